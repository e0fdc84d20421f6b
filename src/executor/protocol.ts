/**
 * What daemon and executor say to each other over the executor's descriptor 3, a pair of connected sockets.
 *
 * A frame is its length (4 bytes, big-endian) and that many bytes of UTF-8: one JSON object. Both sides check size and shape
 * of everything they read. Every frame to the daemon carries the token that came to the executor along with its handlers, when
 * none of them had run yet: a handler can adopt the descriptor and write to it, but what it writes is no frame of ours.
 */

import { concatBytes, utf8Decode, utf8Encode } from "../core/encoding.ts";
import { anyOf, array, type Guard, members, oneOf, pair, string, type TypeOf, whole } from "../core/shape.ts";

const flag = oneOf(true, false);
const grant = anyOf(oneOf(false), array(string));

const isCode = members({ text: string, language: oneOf("typescript", "javascript") });

/** The permissions of a worker, as Deno takes them. */
const isPermissions = members({ net: grant, read: grant, write: grant, env: grant, run: grant });

// names stand in pairs, not as members: __proto__ would be none

/** How workers are used. */
const isDiscipline = members({
  /** Runs after which a worker is replaced, 0 for never. A run that did not succeed also ends its worker. */
  runsMax: whole,
  /** Whether one worker takes many runs at a time, and outlives runs that fail. For built-ins only. */
  shared: flag,
  /** Whether another worker follows one that has ended. */
  successor: flag,
  /** How many of those that will follow are started along with the first. */
  spares: whole,
});

const isLimits = members({
  /** Frames to the executor after the first. */
  frameBytes: whole,
  resultLength: whole,
  logLines: whole,
  logLength: whole,
});

/** The first frame: all that a process has to know to start workers. */
const isBoot = members({
  kind: oneOf("boot"),
  harness: isCode,
  permissions: isPermissions,
  discipline: isDiscipline,
  limits: isLimits,
});

/** The second: what may be run in them. */
const isHandlers = members({
  kind: oneOf("handlers"),
  token: string,
  handlers: array(pair(string, isCode)),
});

/** Run this now. `request` is the canonical text of {"action","payload"}. */
const isRun = members({
  kind: oneOf("run"),
  id: string,
  handler: string,
  request: string,
  idempotencyKey: string,
  traceparent: anyOf(string, oneOf(null)),
  secrets: array(pair(string, string)),
  abortAfterMs: whole,
});

/** Load these in one worker and say what their schemas are as JSON Schema; `converter` is the code that knows how. */
const isDescribe = members({ kind: oneOf("describe"), handlers: array(string), converter: isCode });

/** The outcome was heard and its limit lifted: a worker that is to follow may start, which takes more than a run has left. */
const isNext = members({ kind: oneOf("next") });

const isToExecutor = anyOf(isRun, isNext, isBoot, isHandlers, isDescribe);

const isToDaemon = anyOf(
  members({ kind: oneOf("succeeded"), token: string, id: string, result: string }),
  /** `reason` is the handler's own text: for the log, never for a caller. */
  members({
    kind: oneOf("failed"),
    token: string,
    id: string,
    code: oneOf("handler_failed", "result_invalid"),
    reason: string,
  }),
  members({ kind: oneOf("crashed"), token: string, id: string, reason: string }),
  members({ kind: oneOf("log"), token: string, id: string, line: string }),
  /** A worker waits for a run. */
  members({ kind: oneOf("ready"), token: string }),
  /** JSON texts of JSON Schemas, or why there are none. */
  members({ kind: oneOf("described"), token: string, handler: string, input: string, output: string }),
  members({ kind: oneOf("undescribed"), token: string, handler: string, reason: string }),
);

export type Code = TypeOf<typeof isCode>;
export type WorkerPermissions = TypeOf<typeof isPermissions>;
export type Discipline = TypeOf<typeof isDiscipline>;
export type Boot = TypeOf<typeof isBoot>;
export type Handlers = TypeOf<typeof isHandlers>["handlers"];
export type Run = TypeOf<typeof isRun>;
export type Describe = TypeOf<typeof isDescribe>;
export type ToExecutor = TypeOf<typeof isToExecutor>;
export type ToDaemon = TypeOf<typeof isToDaemon>;

/** undefined for anything that is not such a message. */
export function parseToExecutor(frame: string): ToExecutor | undefined {
  return parsed(isToExecutor, frame);
}

/** undefined for anything that is not such a message, or does not carry `token`. */
export function parseToDaemon(frame: string, token: string): ToDaemon | undefined {
  const message = parsed(isToDaemon, frame);
  return message?.token === token ? message : undefined;
}

function parsed<T>(isMessage: Guard<T>, frame: string): T | undefined {
  try {
    const value: unknown = JSON.parse(frame);
    return isMessage(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const HEADER_BYTES = 4;

export function frameOf(message: ToExecutor | ToDaemon): Uint8Array<ArrayBuffer> {
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
