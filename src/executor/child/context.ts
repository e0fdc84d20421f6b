/** Makes the context that a handler gets beside its input, for one run. */

import type { ActionContext } from "openexec";
import { type Boot, LOG_LENGTH_MAX, type Run } from "../protocol.ts";

/** `order` null is for a run that nobody asked for. `say` gets each line of the log. */
export function contextOf(
  order: Run | null,
  say: (line: string) => void,
  limits: Boot["limits"],
): ActionContext {
  const abortAtMs = performance.now() + (order?.abortAfterMs ?? 0);
  let signal: AbortSignal | null = null;
  const log = logOf(say, limits);
  if (order !== null) captureConsole(log);
  return {
    idempotencyKey: order?.idempotencyKey ?? "",
    executionId: order?.id ?? "",
    secrets: Object.fromEntries(order?.secrets ?? []),
    traceparent: order?.traceparent ?? null,
    // setTimeout() takes the runtime 30 ms of processor to load, and this takes half a millisecond
    get signal() {
      return signal ??= signalAt(abortAtMs);
    },
    log,
  };
}

/** A timeout of 0 ms aborts later: a handler that asks late has to see at once that it is late. */
function signalAt(abortAtMs: number): AbortSignal {
  const leftMs = abortAtMs - performance.now();
  if (leftMs > 0) return AbortSignal.timeout(leftMs);
  return AbortSignal.abort(new DOMException("Signal timed out.", "TimeoutError"));
}

function logOf(
  say: (line: string) => void,
  { logLines }: Boot["limits"],
): ActionContext["log"] {
  let lines = 0;
  return (message, fields) => {
    if (lines > logLines) return;
    const line = lines++ === logLines
      ? "(further lines were dropped)"
      : `${message}${fields === undefined ? "" : ` ${Deno.inspect(fields)}`}`;
    say(line.slice(0, LOG_LENGTH_MAX));
  };
}

/** Turns prints into lines of the log: the process's own output leads nowhere. */
function captureConsole(log: ActionContext["log"]): void {
  const print = (first: unknown, ...rest: unknown[]) =>
    log(typeof first === "string" && rest.length === 0 ? first : Deno.inspect([first, ...rest]));
  Object.assign(globalThis.console, {
    debug: print,
    log: print,
    info: print,
    warn: print,
    error: print,
  });
}
