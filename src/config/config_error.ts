/**
 * What is wrong with a configuration: every problem found, in file order, each with the line to mend. The daemon does not
 * start on it and commands end with exit code 2; it is said on the terminal and never to a peer.
 */

export interface ConfigProblem {
  /** The file's path; for a variable or an option its name, such as `OPENEXEC_MODE` or `--mode`. */
  readonly source: string;
  /** From 1; null where the source has no lines. */
  readonly line: number | null;
  /** Dotted, as `actions.echo.timeout` or `sockets[1].path`; "" for the whole. */
  readonly key: string;
  /** What is expected there, or what it contradicts. */
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

/** `FILE:LINE: key: message`, the shape editors and terminals make a link of. */
export function problemText({ source, line, key, message }: ConfigProblem): string {
  const where = line === null ? source : `${source}:${line}`;
  return key === "" ? `${where}: ${message}` : `${where}: ${key}: ${message}`;
}
