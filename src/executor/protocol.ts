/**
 * What daemon and executor say to each other over the executor's descriptor 3, a pair of connected sockets.
 *
 * A frame is its length (4 bytes, big-endian) and that many bytes of UTF-8: one JSON object. Both sides check size and shape
 * of everything they read. Every frame to the daemon carries the token that came to the executor along with its handlers, when
 * none of them had run yet: a handler can adopt the descriptor and write to it, but what it writes is no frame of ours.
 */

import { GatheredBytes, utf8Decode, utf8Encode } from "../core/bytes.ts";
import {
  anyOf,
  array,
  type Guard,
  members,
  oneOf,
  pair,
  string,
  type TypeOf,
  whole,
} from "../core/shape.ts";

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

/** The first frame: all that a process has to know to start workers, and what may be run in them. */
const isBoot = members({
  kind: oneOf("boot"),
  token: string,
  harness: isCode,
  handlers: array(pair(string, isCode)),
  permissions: isPermissions,
  discipline: isDiscipline,
  limits: isLimits,
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

const isToExecutor = anyOf(isRun, isNext, isBoot, isDescribe);

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
  members({
    kind: oneOf("described"),
    token: string,
    handler: string,
    input: string,
    output: string,
  }),
  members({ kind: oneOf("undescribed"), token: string, handler: string, reason: string }),
);

export type Code = TypeOf<typeof isCode>;
export type WorkerPermissions = TypeOf<typeof isPermissions>;
export type Discipline = TypeOf<typeof isDiscipline>;
export type Boot = TypeOf<typeof isBoot>;
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

/** Cuts a stream into frames. What lies whole in one chunk is not copied; what does not is held as bytes, however it comes. */
export class FrameReader {
  /** Of the header or the body that is due, as `#isBody` says. */
  #part = new GatheredBytes(HEADER_BYTES, HEADER_BYTES);
  #needed = HEADER_BYTES;
  #isBody = false;

  /** Bounds what one frame may make this side hold. */
  bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** The frames that are whole now. Throws a FrameError for one that is too long or no UTF-8. */
  read(chunk: Uint8Array): string[] {
    const frames: string[] = [];
    let rest = chunk;
    for (;;) {
      const missing = this.#needed - this.#part.length;
      this.#part.add(rest.subarray(0, missing));
      if (rest.length < missing) return frames;
      rest = rest.subarray(missing);
      const part = this.#part.whole();
      if (this.#isBody) frames.push(textOf(part));
      this.#isBody = !this.#isBody;
      this.#needed = this.#isBody ? this.#lengthIn(part) : HEADER_BYTES;
      this.#part = new GatheredBytes(this.#needed, this.#needed);
    }
  }

  #lengthIn(header: Uint8Array): number {
    const length = new DataView(header.buffer, header.byteOffset).getUint32(0);
    if (length > this.bytesMax) throw new FrameError(`a frame of ${length} bytes`);
    return length;
  }
}

function textOf(body: Uint8Array): string {
  const decoded = utf8Decode(body);
  if (decoded === undefined) throw new FrameError("a frame that is no UTF-8");
  return decoded;
}
