/**
 * The daemon's process itself: it becomes another program, and is closed to others of its user.
 *
 * Its memory holds the signing key, and its descriptors are the ledger and the sockets. So other
 * processes of the daemon's user are kept out of it.
 */

import { StartupError } from "../core/startup_error.ts";
import { cString, errno, errorText, libc, pointersTo, variableTexts } from "./libc.ts";
import { RLIMIT_CORE, setLimit } from "./process.ts";

/**
 * execve(2): this process becomes another program and keeps its pid, so that no wrapper stays
 * between the daemon and its service manager.
 *
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

const PR_SET_DUMPABLE = 4;

/**
 * Makes this process undumpable (PR_SET_DUMPABLE of prctl(2)): it leaves no core, and without
 * privileges nobody reads its memory or environment, traces it or takes its descriptors.
 * execve(2) undoes the first part. Throws a StartupError.
 */
export function shutOthersOut(): void {
  if (
    libc.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n) !== 0 ||
    !setLimit(Deno.pid, RLIMIT_CORE, 0)
  ) {
    throw new StartupError(
      "This process cannot be closed to others of its user",
      "Allow prctl(2) and prlimit(2), which a filter of system calls refuses here",
    );
  }
}
