/** Makes the context that a handler gets beside its input, for one run. */

import type { ActionContext } from "openexec";
import type { Boot, Run } from "../protocol.ts";

export interface Context {
  readonly forHandler: ActionContext;
  /** To be called when the run is over. */
  over(): void;
}

/** `order` null is for a run that nobody asked for. `say` gets each line of the log. */
export function contextOf(
  order: Run | null,
  say: (line: string) => void,
  limits: Boot["limits"],
): Context {
  const controller = new AbortController();
  const timer = order === null ? undefined : setTimeout(() => {
    controller.abort(new DOMException("The time limit is near", "TimeoutError"));
  }, order.abortAfterMs);
  const log = logOf(say, limits);
  if (order !== null) captureConsole(log);
  return {
    forHandler: {
      idempotencyKey: order?.idempotencyKey ?? "",
      executionId: order?.id ?? "",
      secrets: Object.fromEntries(order?.secrets ?? []),
      traceparent: order?.traceparent ?? null,
      signal: controller.signal,
      log,
    },
    over: () => clearTimeout(timer),
  };
}

function logOf(
  say: (line: string) => void,
  { logLines, logLength }: Boot["limits"],
): ActionContext["log"] {
  let lines = 0;
  return (message, fields) => {
    if (lines > logLines) return;
    const line = lines++ === logLines
      ? "(further lines were dropped)"
      : `${message}${fields === undefined ? "" : ` ${Deno.inspect(fields)}`}`;
    say(line.slice(0, logLength));
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
