/**
 * execve(2): this process becomes another program and keeps its pid, so that no wrapper stays between the daemon and whoever
 * started it.
 */

import { cString, errno, errorText, pointersTo, processCalls, variableTexts } from "./libc.ts";

/**
 * Never returns: on success there is nothing left to return to. Descriptors without close-on-exec stay open.
 * Throws when the program cannot be started; the process is then as it was.
 */
export function replaceProcess(
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): never {
  const [argv, envp] = [pointersTo([path, ...args]), pointersTo(variableTexts(environment))];
  processCalls().execve(cString(path), argv.addresses, envp.addresses);
  const reason = errorText(errno());
  argv.release();
  envp.release();
  throw new Error(`${path} cannot be started: ${reason}`);
}
