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

const STANDARD_INPUT = 0;

/**
 * Makes the terminal this process's standard input, in place of a pipe that was read to its end, so
 * that programs it starts can ask. Leaves it as it is where there is no terminal.
 */
export function takeTerminalAsInput(): void {
  const terminal = libc.open(cString("/dev/tty"), O_RDWR | O_CLOEXEC);
  if (terminal < 0) return;
  libc.dup2(terminal, STANDARD_INPUT);
  libc.close(terminal);
}
