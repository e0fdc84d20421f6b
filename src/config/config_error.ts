/**
 * The problems of a configuration, all of them, in file order, each with the line to mend.
 *
 * The daemon does not start on it and commands end with exit code 2. The terminal shows it, a peer
 * never sees it.
 */

/** A place in the file: names of keys, and positions in lists from 0. */
export type KeyPath = readonly (string | number)[];

/** Takes note of a problem: at a key of the file, or with a variable or an option by its name. */
export type NoteProblem = (where: KeyPath | string, message: string) => void;

export interface ConfigProblem {
  /** The file's path; for a variable or an option its name, such as `OPENEXEC_MODE` or `--mode`. */
  readonly source: string;
  /** From 1; null where the source has no lines. */
  readonly line: number | null;
  /** Dotted, as `actions.echo.timeout` or `sockets[1].path`; "" for the whole. */
  readonly key: string;
  /** Says what is expected there, or what it contradicts. */
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly exitCode = 2;
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const sorted = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
    super(sorted.map(problemText).join("\n"));
    this.problems = sorted;
  }
}

/** Formats as `FILE:LINE: key: message`, which editors and terminals turn into a link. */
export function problemText({ source, line, key, message }: ConfigProblem): string {
  const where = line === null ? source : `${source}:${line}`;
  return key === "" ? `${where}: ${message}` : `${where}: ${key}: ${message}`;
}
