/** What keeps the daemon from starting: said to the operator on the terminal, with the remedy, never to a peer. */
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
