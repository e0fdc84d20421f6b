/** Ctrl-C as an AbortSignal, for commands that have something to say before they end. */

/** What is aborted with: whoever interrupted does not know what came of a request that was under way. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("interrupted");
  }
}

/** One signal for the process, listened for from the first call on. */
export function interruption(): () => AbortSignal {
  let controller: AbortController | undefined;
  return () => {
    if (controller === undefined) {
      const made = new AbortController();
      Deno.addSignalListener("SIGINT", () => made.abort(new Interrupted()));
      controller = made;
    }
    return controller.signal;
  };
}
