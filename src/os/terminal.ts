/** The terminal of this process, where the runtime has no call for it. */

import { cString, errno, errorText, libc, O_CLOEXEC, O_RDWR } from "./libc.ts";

/** The same number on every architecture (tcflush(3)). */
const TCIFLUSH = 0;

/**
 * Drops what was typed and not yet read, unfinished lines too. Throws an Error where this process
 * has no terminal, or it cannot be flushed.
 */
export function dropTypedAhead(): void {
  const terminal = libc.open(cString("/dev/tty"), O_RDWR | O_CLOEXEC);
  const failed = terminal < 0 || libc.tcflush(terminal, TCIFLUSH) !== 0;
  const code = failed ? errno() : 0;
  if (terminal >= 0) libc.close(terminal);
  if (failed) throw new Error(`what was typed ahead cannot be dropped: ${errorText(code)}`);
}
