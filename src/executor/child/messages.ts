/** What an executor's main thread and the harness in its worker say to each other, over a port that handlers never get. */

/** First, with the worker's end of the port. */
export interface Begin {
  readonly port: MessagePort;
  /** The handler that the next run will be of, where that is known: it is made ready for that, and not run. */
  readonly awaited: string | null;
  readonly runsMax: number;
  readonly shared: boolean;
  readonly resultLength: number;
  readonly nestingDepth: number;
  readonly logLines: number;
  readonly logLength: number;
}

/** Code is named by the blob: URL it is imported from. */
export type ToWorker =
  | {
    readonly kind: "run";
    readonly id: string;
    readonly url: string;
    readonly request: string;
    readonly idempotencyKey: string;
    readonly traceparent: string | null;
    readonly secrets: Readonly<Record<string, string>>;
    readonly abortAfterMs: number;
  }
  | {
    readonly kind: "describe";
    readonly handlers: readonly { readonly handler: string; readonly url: string }[];
    readonly converter: string;
  };

/** How a run ended. */
export type End =
  | { readonly kind: "succeeded"; readonly id: string; readonly result: string }
  | {
    readonly kind: "failed";
    readonly id: string;
    readonly code: "handler_failed" | "result_invalid";
    readonly reason: string;
  };

/** `last`: the worker has closed itself by the time this arrives, as it has with the last handler described. */
export type FromWorker =
  | { readonly kind: "open" }
  | (End & { readonly last: boolean })
  | { readonly kind: "log"; readonly id: string; readonly line: string }
  | {
    readonly kind: "described";
    readonly handler: string;
    readonly input: string;
    readonly output: string;
  }
  | { readonly kind: "undescribed"; readonly handler: string; readonly reason: string };
