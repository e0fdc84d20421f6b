/**
 * Defines the messages between daemon and executor over the executor's descriptor 3, a pair of
 * connected sockets.
 *
 * A frame is its length (4 bytes, big-endian) and that many bytes of UTF-8: one JSON object, and
 * for a check or a run a line feed and the text of {"action","payload"}, as it was digested. Both
 * sides check size and shape of everything they read. An executor's process is the boundary, so
 * whatever a handler writes into the channel is taken for its own executor's word, and can forge no
 * more than the outcome of its own run.
 */

import {
  bytesOf,
  concatBytes,
  GatheredBytes,
  type Text,
  utf8Decode,
  utf8Encode,
} from "../core/bytes.ts";
import { isPresentation } from "../core/presentation.ts";
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

/** UTF-16 units of what a schema expects. */
export const ISSUE_LENGTH_MAX = 300;
/**
 * UTF-16 units of a line of a handler's log, and of a reason. It is longer than what is kept in the
 * end, so that no secret is cut in two before it is looked for.
 */
export const LOG_LENGTH_MAX = 16_384;

/** UTF-16 units of the text of a JSON Schema, however short results have to be. */
export const SCHEMA_LENGTH_MAX = 2 ** 20;

/** Name of the symbol under which modules for handlers find valibot (Symbol.for). */
export const LIBRARY = "openexec.valibot";

// names stand in pairs, not as members: __proto__ would be none

const isCode = members({ text: string, language: oneOf("typescript", "javascript") });

/** The first frame: what may be run, and how much may be said about it. */
const isBoot = members({
  kind: oneOf("boot"),
  /** The body of a function that returns valibot. */
  library: string,
  handlers: array(pair(string, isCode)),
  limits: members({
    /** Bytes of each frame to the executor that follows. */
    frameBytes: whole,
    /** UTF-16 units of a result's JSON text. */
    resultLength: whole,
    /** Lines of a run's log. */
    logLines: whole,
  }),
});

/** Tell the schemas of this handler as JSON Schema; `converter` is the code that knows how. */
const isDescribe = members({ kind: oneOf("describe"), handler: string, converter: isCode });

/** Tell whether the payload of the request that follows fits the handler's input schema. */
const isCheck = members({ kind: oneOf("check"), id: string, handler: string });

/** Run the request that follows now. */
const isRun = members({
  kind: oneOf("run"),
  id: string,
  handler: string,
  idempotencyKey: string,
  traceparent: anyOf(string, oneOf(null)),
  secrets: array(pair(string, string)),
  abortAfterMs: whole,
});

const isAlone = anyOf(isBoot, isDescribe);
const isBeforeRequest = anyOf(isRun, isCheck);

function upTo(lengthMax: number): Guard<string> {
  return (value): value is string => string(value) && value.length <= lengthMax;
}

const isIssue = upTo(ISSUE_LENGTH_MAX);
const isSchema = upTo(SCHEMA_LENGTH_MAX);
/** A handler's words, or the executor's about it. */
const isWords = upTo(LOG_LENGTH_MAX);

const isToDaemon = anyOf(
  members({ kind: oneOf("succeeded"), id: string, result: string }),
  /** `reason` is for the log, never for a caller; `publicReason` is for both, null for none. */
  members({
    kind: oneOf("failed"),
    id: string,
    code: oneOf("handler_failed", "result_invalid"),
    reason: isWords,
    publicReason: anyOf(isWords, oneOf(null)),
  }),
  members({ kind: oneOf("log"), id: string, line: isWords }),
  /** `issue` says what the schema expects, null where the payload fits. */
  members({ kind: oneOf("checked"), id: string, issue: anyOf(isIssue, oneOf(null)) }),
  /** It waits for work. `open` names the doors that the kernel left open; null: it tried none. */
  members({ kind: oneOf("ready"), open: anyOf(array(string), oneOf(null)) }),
  /** JSON texts of JSON Schemas, or why there are none. */
  members({
    kind: oneOf("described"),
    handler: string,
    input: isSchema,
    output: isSchema,
    presentation: isPresentation,
  }),
  members({ kind: oneOf("undescribed"), handler: string, reason: isWords }),
);

export type Code = TypeOf<typeof isCode>;
export type Boot = TypeOf<typeof isBoot>;
export type Describe = TypeOf<typeof isDescribe>;
export type Check<Request = string> = TypeOf<typeof isCheck> & { readonly request: Request };
export type Run<Request = string> = TypeOf<typeof isRun> & { readonly request: Request };
export type ToExecutor<Request = string> = Boot | Describe | Check<Request> | Run<Request>;
export type ToDaemon = TypeOf<typeof isToDaemon>;

/** undefined for anything that is not such a message. */
export function parseToExecutor(frame: string): ToExecutor | undefined {
  const end = frame.indexOf("\n");
  if (end === -1) return parsed(isAlone, frame);
  const message = parsed(isBeforeRequest, frame.slice(0, end));
  return message === undefined ? undefined : { ...message, request: frame.slice(end + 1) };
}

/** undefined for anything that is not such a message. */
export function parseToDaemon(frame: string): ToDaemon | undefined {
  return parsed(isToDaemon, frame);
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

/** In pieces: a long request is not copied. */
export function framesOf(message: ToExecutor<Text>): readonly Uint8Array[] {
  if (!("request" in message)) return [frameOfText(JSON.stringify(message))];
  const { request, ...head } = message;
  const bytes = bytesOf(request);
  return [frameOfText(`${JSON.stringify(head)}\n`, bytes.length), bytes];
}

const ONE_WRITE_BYTES_MAX = 65_536;

/** Makes one piece of short ones: each write is a system call, and wakes who waits for the rest. */
export function inOneWrite(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return length > ONE_WRITE_BYTES_MAX ? pieces : [concatBytes(...pieces)];
}

/** Begins a frame with `text`, after which `others` bytes follow. */
export function frameOfText(text: string, others = 0): Uint8Array<ArrayBuffer> {
  const body = utf8Encode(text);
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length + others);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/** The stream cannot be read on: what came is no frame. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/**
 * Cuts a stream into frames. A frame that lies whole in one chunk is not copied; another is held as
 * bytes, however it comes.
 */
export class FrameReader {
  /** Holds the part of the header or body that has come, as `#isBody` says. */
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
