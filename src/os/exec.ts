/**
 * execve(2): this process becomes another program and keeps its pid, so that no wrapper stays
 * between the daemon and its service manager.
 */

import { cString, errno, errorText, libc, pointersTo, variableTexts } from "./libc.ts";

/**
 * Returns only by throwing, when the program cannot be started; the process is then as it was.
 * Descriptors without close-on-exec stay open.
 */
export function replaceProcess(
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): never {
  const [argv, envp] = [pointersTo([path, ...args]), pointersTo(variableTexts(environment))];
  libc.execve(cString(path), argv.addresses, envp.addresses);
  const reason = errorText(errno());
  argv.release();
  envp.release();
  throw new Error(`${path} cannot be started: ${reason}`);
}
