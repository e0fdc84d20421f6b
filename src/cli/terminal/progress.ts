/** Progress of long commands: a bar on standard error where that is a terminal, nothing elsewhere. */

import cliProgress from "cli-progress";
import type { Cli } from "../command.ts";

export interface Progress {
  at(done: number): void;
  end(): void;
}

/** `total` null: it is not known how much there is. */
export function startProgress(cli: Cli, what: string, total: number | null): Progress {
  if (!cli.terminal.errorIsTerminal) return { at: () => {}, end: () => {} };
  const format = total === null
    ? `${what} {value}`
    : `${what} {bar} {percentage}% | {value}/{total} | {eta_formatted}`;
  const bar = new cliProgress.SingleBar({ format, clearOnComplete: true, hideCursor: true });
  bar.start(total ?? Number.MAX_SAFE_INTEGER, 0);
  return { at: (done) => bar.update(done), end: () => bar.stop() };
}
