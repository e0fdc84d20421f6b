/**
 * What a log line says of an error: its class, its errno and where it was thrown. Never its message, in which libraries quote
 * the input they could not take.
 */

import type { Fields } from "./redact.ts";

const FRAMES_MAX = 8;

export function faultFields(error: unknown): Fields {
  if (!(error instanceof Error)) return { error: typeof error };
  const errno: unknown = "code" in error ? error.code : undefined;
  return {
    error: error.name,
    ...(errno === undefined ? {} : { errno }),
    frames: framesOf(error),
  };
}

/** The message may have lines of its own, also ones that look like frames: they come before the first real frame. */
function framesOf({ stack = "", message }: Error): string[] {
  const at = stack.indexOf(message);
  const trace = at < 0 ? "" : stack.slice(at + message.length);
  return trace.split("\n").flatMap((line) => /^ {4}(at .{1,197})$/.exec(line)?.[1] ?? []).slice(
    0,
    FRAMES_MAX,
  );
}
