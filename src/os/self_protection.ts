/**
 * Keeps other processes of the daemon's user out of the daemon: its memory holds the signing key,
 * and its descriptors are the ledger and the sockets.
 */

import { StartupError } from "../core/startup_error.ts";
import { libc } from "./libc.ts";
import { RLIMIT_CORE, setLimit } from "./process.ts";

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
