/**
 * What daemon and executor say to each other over the executor's descriptor 3, a pair of connected sockets.
 *
 * A frame is its length (4 bytes, big-endian) and that many bytes of UTF-8: one JSON object. Both sides check size and shape
 * of everything they read. Every frame to the daemon carries the token that came with the first frame to the executor, when
 * no handler was there yet: a handler can adopt the descriptor and write to it, but what it writes is no frame of ours.
 */

import * as v from "valibot";
import { concatBytes, utf8Decode, utf8Encode } from "../core/encoding.ts";

const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const grant = v.union([v.literal(false), v.array(text)]);
const codeSchema = v.strictObject({ text, language: v.picklist(["typescript", "javascript"]) });

/** The permissions of a worker, as Deno takes them. */
const permissionsSchema = v.strictObject({ net: grant, read: grant, write: grant, env: grant, run: grant });

// names stand in pairs, not as keys of records: valibot drops keys such as "constructor"

/** How workers are used. */
const disciplineSchema = v.strictObject({
  /** Runs after which a worker is replaced, 0 for never. A run that did not succeed also ends its worker. */
  runsMax: count,
  /** Whether one worker takes many runs at a time, and outlives runs that fail. For built-ins only. */
  shared: v.boolean(),
  /** Whether another worker follows one that has ended. */
  successor: v.boolean(),
});

const limitsSchema = v.strictObject({
  /** Frames to the executor after the first. */
  frameBytes: count,
  resultLength: count,
  logLines: count,
  logLength: count,
});

/** The first frame: all that a process has to know before it runs anything. */
const bootSchema = v.strictObject({
  kind: v.literal("boot"),
  token: text,
  harness: codeSchema,
  handlers: v.array(v.tuple([text, codeSchema])),
  permissions: permissionsSchema,
  discipline: disciplineSchema,
  limits: limitsSchema,
});

/** Run this now. `request` is the canonical text of {"action","payload"}. */
const runSchema = v.strictObject({
  kind: v.literal("run"),
  id: text,
  handler: text,
  request: text,
  idempotencyKey: text,
  traceparent: v.nullable(text),
  secrets: v.array(v.tuple([text, text])),
  abortAfterMs: count,
});

/** Load the handler and say what its schemas are as JSON Schema; `converter` is the code that knows how. */
const describeSchema = v.strictObject({ kind: v.literal("describe"), handler: text, converter: codeSchema });

/** The outcome was heard and its limit lifted: a worker that is to follow may start, which takes more than a run has left. */
const nextSchema = v.strictObject({ kind: v.literal("next") });

const toExecutor = v.variant("kind", [bootSchema, runSchema, describeSchema, nextSchema]);

const token = text;
const id = text;

const toDaemon = v.variant("kind", [
  /** A worker waits for a run. */
  v.strictObject({ kind: v.literal("ready"), token }),
  v.strictObject({ kind: v.literal("succeeded"), token, id, result: text }),
  /** `reason` is the handler's own text: for the log, never for a caller. */
  v.strictObject({
    kind: v.literal("failed"),
    token,
    id,
    code: v.picklist(["handler_failed", "result_invalid"]),
    reason: text,
  }),
  v.strictObject({ kind: v.literal("crashed"), token, id, reason: text }),
  v.strictObject({ kind: v.literal("log"), token, id, line: text }),
  /** JSON texts of JSON Schemas, or why there are none. */
  v.strictObject({ kind: v.literal("described"), token, handler: text, input: text, output: text }),
  v.strictObject({ kind: v.literal("undescribed"), token, handler: text, reason: text }),
]);

export type Code = v.InferOutput<typeof codeSchema>;
export type WorkerPermissions = v.InferOutput<typeof permissionsSchema>;
export type Discipline = v.InferOutput<typeof disciplineSchema>;
export type Boot = v.InferOutput<typeof bootSchema>;
export type Run = v.InferOutput<typeof runSchema>;
export type Describe = v.InferOutput<typeof describeSchema>;
export type ToExecutor = v.InferOutput<typeof toExecutor>;
export type ToDaemon = v.InferOutput<typeof toDaemon>;

/** undefined for anything that is not such a message. */
export function parseToExecutor(frame: string): ToExecutor | undefined {
  return parsed(toExecutor, frame);
}

/** undefined for anything that is not such a message, or does not carry `token`. */
export function parseToDaemon(frame: string, token: string): ToDaemon | undefined {
  const message = parsed(toDaemon, frame);
  return message?.token === token ? message : undefined;
}

function parsed<Schema extends v.GenericSchema>(
  schema: Schema,
  frame: string,
): v.InferOutput<Schema> | undefined {
  try {
    const value: unknown = JSON.parse(frame);
    const result = v.safeParse(schema, value);
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

const HEADER_BYTES = 4;

export function frameOf(message: ToExecutor | ToDaemon): Uint8Array {
  const body = utf8Encode(JSON.stringify(message));
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/** The stream cannot be read on: what came is no frame. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** Cuts a stream into frames. */
export class FrameReader {
  #parts: Uint8Array[] = [];
  #length = 0;
  #needed = HEADER_BYTES;

  /** Bounds what one frame may make this side hold. */
  bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** The frames that are whole now. Throws a FrameError for one that is too long or no UTF-8. */
  read(chunk: Uint8Array): string[] {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return [];
    const bytes = concatBytes(...this.#parts);
    const frames: string[] = [];
    let start = 0;
    for (let end = this.#endOf(bytes, start); end <= bytes.length; end = this.#endOf(bytes, start)) {
      frames.push(textOf(bytes.subarray(start + HEADER_BYTES, end)));
      start = end;
    }
    this.#parts = [bytes.subarray(start)];
    this.#length = bytes.length - start;
    this.#needed = this.#endOf(bytes, start) - start;
    return frames;
  }

  /** Where the frame at `start` ends; past the end of `bytes` when it is not whole yet. */
  #endOf(bytes: Uint8Array, start: number): number {
    if (bytes.length - start < HEADER_BYTES) return start + HEADER_BYTES;
    const length = new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(0);
    if (length > this.bytesMax) throw new FrameError(`a frame of ${length} bytes`);
    return start + HEADER_BYTES + length;
  }
}

function textOf(body: Uint8Array): string {
  const decoded = utf8Decode(body);
  if (decoded === undefined) throw new FrameError("a frame that is no UTF-8");
  return decoded;
}
