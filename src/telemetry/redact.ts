/**
 * The fields that a log line may carry.
 *
 * A field is written only if it is on this list and its value has the field's shape. Anything else
 * is dropped, so that no payload, approval, secret or key can slip into a log by way of a field.
 * Free text is what a handler says: its calls of `context.log`, and its errors without what they
 * quote of the payload.
 */

import { getSystemErrorName } from "node:util";
import { isErrorCode, Refusal } from "../core/errors.ts";
import { isName } from "../core/limits.ts";

type Shape = (value: unknown) => boolean;

function text(pattern: RegExp): Shape {
  return (value) => typeof value === "string" && pattern.test(value);
}

const whole: Shape = (value) => Number.isSafeInteger(value);
const name: Shape = (value) => typeof value === "string" && isName(value);
const word = text(/^[a-z][a-z_]{0,39}$/);

const FIELDS = {
  // one attempt
  execution: text(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  trace: text(/^[0-9a-f]{32}$/),
  action: name,
  code: (value) => typeof value === "string" && isErrorCode(value),
  status: word,
  replayed: (value) => typeof value === "boolean",
  stations: (value) =>
    typeof value === "object" && value !== null &&
    Object.entries(value).every(([station, micros]) => word(station) && whole(micros)),
  // one proposal
  proposal: text(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  // one exchange
  route: text(/^[A-Z]{1,10} \/[a-z0-9_/{}.-]{0,60}$/),
  http_status: whole,
  duration_ms: (value) => typeof value === "number" && Number.isFinite(value),
  uid: whole,
  pid: whole,
  socket: name,
  // the daemon and what belongs to it
  count: whole,
  total: whole,
  signal: text(/^SIG[A-Z0-9]{1,10}$/),
  // text that a handler logs, scrubbed of its secrets; on lines of HANDLER_PART only
  line: text(/^\P{Cc}{0,4096}$/u),
  // why a run did not succeed, scrubbed as well, and of its payload; on lines of EXECUTOR_PART only
  reason: text(/^\P{Cc}{0,4096}$/u),
  // a fault of the configuration, in our words; on lines of CONFIG_PART only
  problem: text(/^\P{Cc}{1,1024}$/u),
  // an error: see faultFields()
  error: text(/^[A-Za-z][A-Za-z0-9_]{0,60}$/),
  errno: text(/^E[A-Z0-9]{1,30}$/),
  frames: (value) => Array.isArray(value) && value.every(text(/^[\x20-\x7e]{1,200}$/)),
} as const satisfies Record<string, Shape>;

export type FieldName = keyof typeof FIELDS;

/** Names are checked by the compiler, shapes when the line is written. */
export type Fields = { readonly [Name in FieldName]?: unknown };

/** The part whose lines are a handler's own: they carry free text, which it asked for. */
export const HANDLER_PART = "handler";
/** The part that speaks of executors and of why a run in one did not succeed. */
export const EXECUTOR_PART = "executor";
/** The part that speaks of the configuration's file, which holds no secrets. */
export const CONFIG_PART = "config";

/** The only fields with free text, and the part whose lines may carry them. */
const FREE_TEXT: Readonly<Record<string, string>> = {
  line: HANDLER_PART,
  reason: EXECUTOR_PART,
  problem: CONFIG_PART,
};

/** Returns those of `properties` that a line of `part` may carry, in their own order. */
export function redact(
  properties: Readonly<Record<string, unknown>>,
  part: string,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).filter(([field, value]) =>
      isField(field) && FIELDS[field](value) && (FREE_TEXT[field] ?? part) === part
    ),
  );
}

function isField(field: string): field is FieldName {
  return Object.hasOwn(FIELDS, field);
}

const FRAMES_MAX = 8;

/**
 * Describes an error for a log line: its class, its code, its errno or its cause's, and where it
 * was thrown. Never its message, in which libraries quote the input that they refuse.
 */
export function faultFields(error: unknown): Fields {
  if (!(error instanceof Error)) return { error: typeof error };
  const errno = errnoOf(error);
  return {
    error: error.name,
    ...(error instanceof Refusal ? { code: error.code } : {}),
    ...(errno === undefined ? {} : { errno }),
    frames: framesOf(error),
  };
}

/** LMDB gives errno as a number, and the runtime its name. */
function errnoOf(error: Error): unknown {
  if (error instanceof Refusal) {
    return error.cause instanceof Error ? errnoOf(error.cause) : undefined;
  }
  const code: unknown = "code" in error ? error.code : undefined;
  return typeof code === "number" && code > 0 ? getSystemErrorName(-code) : code;
}

/** Skips the message, which may have lines that look like frames, before the first real frame. */
function framesOf({ stack = "", message }: Error): string[] {
  const at = stack.indexOf(message);
  const trace = at < 0 ? "" : stack.slice(at + message.length);
  return trace.split("\n")
    .flatMap((line) => /^ {4}(at .{1,197})$/.exec(line)?.[1] ?? [])
    .slice(0, FRAMES_MAX);
}
