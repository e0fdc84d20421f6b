/** A reason not to start, with its remedy: for the operator's terminal, never for a peer. */
export class StartupError extends Error {
  override readonly name = "StartupError";
  readonly what: string;
  readonly remedy: string;

  constructor(what: string, remedy: string) {
    super(`${what}: ${remedy}`);
    this.what = what;
    this.remedy = remedy;
  }
}
