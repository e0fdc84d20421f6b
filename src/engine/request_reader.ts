/**
 * Reads the bodies of requests, old receipts and the results of handlers: small ones at once, large
 * ones in a thread of their own, so that none holds the event loop.
 *
 * Invariants: the thread has no permissions and reads one text at a time; among those that wait,
 * the uids take turns. A thread that fails refuses a request, and no result: what ran is settled.
 */

import { type ErrorCode, Refusal } from "../core/errors.ts";
import { FairQueue } from "../core/wait.ts";
import { program } from "../os/program.ts";
import { startThread } from "../os/thread.ts";
import { readRequest, type RequestText } from "./request.ts";
import { isLegacyReceipt, readResult, type ResultText, type ReturnedResult } from "./result.ts";
import type { Asker } from "./types.ts";

/** The largest body that is read at once: a millisecond of the event loop, at the worst. */
export const SMALL_BODY_BYTES = 16 * 1024;

/** A message to the thread: the body of a request, or of an old receipt (null), or a result. */
export type ToReader =
  | { readonly body: Uint8Array; readonly allowed: readonly string[] | null }
  | ReturnedResult;

/** Its answer: what it read, the refusal, or null for a bug. */
export type FromReader =
  | { readonly text: RequestText }
  | { readonly isValid: boolean }
  | { readonly result: ResultText | null }
  | { readonly refusal: { readonly code: ErrorCode; readonly detail: string } | null };

const FAILED: FromReader = { refusal: null };
const NO_THREAD: FromReader = {
  refusal: {
    code: "executor_unavailable",
    detail: "The daemon has too few descriptors left to read it; raise LimitNOFILE= of its unit.",
  },
};

interface Waiting {
  readonly asked: ToReader;
  readonly resolve: (answer: FromReader) => void;
}

export class RequestReader {
  readonly #waiting = new FairQueue<Waiting>();
  #thread: Worker | undefined;
  /** The text that the thread has. */
  #reading: Waiting | undefined;

  /**
   * Takes the body over: a large one is empty afterwards. Throws a Refusal: request_malformed,
   * payload_not_i_json.
   */
  async read(
    body: Uint8Array,
    allowed: readonly string[],
    { peer, meter }: Asker,
  ): Promise<RequestText> {
    if (body.length <= SMALL_BODY_BYTES) return readRequest(body, allowed);
    const { length } = body;
    const end = meter?.work(length);
    const answer = await this.#ask(peer.uid, { body, allowed }).finally(end);
    if (!("text" in answer)) throw refusalOf(answer);
    const printed = answer.text.canonical.length;
    if (printed > length) meter?.weigh(printed - length); // 1e20 prints with 21 digits
    return answer.text;
  }

  /** Does what isLegacyReceipt() of result.ts does, and throws as it does; takes the body over. */
  async isLegacyReceipt(body: Uint8Array, { peer, meter }: Asker): Promise<boolean> {
    if (body.length <= SMALL_BODY_BYTES) return isLegacyReceipt(body);
    const end = meter?.work(body.length);
    const answer = await this.#ask(peer.uid, { body, allowed: null }).finally(end);
    if ("isValid" in answer) return answer.isValid;
    throw refusalOf(answer);
  }

  /** Returns null for a result that is not I-JSON, or too large. */
  async readResult(returned: ReturnedResult, uid: number): Promise<ResultText | null> {
    if (returned.text.length <= SMALL_BODY_BYTES) return readResult(returned);
    const answer = await this.#ask(uid, returned);
    return "result" in answer ? answer.result : readResult(returned);
  }

  #ask(uid: number, asked: ToReader): Promise<FromReader> {
    const { promise, resolve } = Promise.withResolvers<FromReader>();
    this.#waiting.add(uid, { asked, resolve });
    this.#next();
    return promise;
  }

  /** Ends the thread and fails what waits for it. A later large body starts another. */
  close(): void {
    for (let waiting; (waiting = this.#waiting.take()) !== undefined;) waiting.resolve(FAILED);
    this.#fail();
  }

  #fail(): void {
    this.#thread?.terminate();
    this.#thread = undefined;
    this.#answer(FAILED);
  }

  #next(): void {
    if (this.#reading !== undefined) return;
    const next = this.#reading = this.#waiting.take();
    if (next === undefined) return;
    const { asked } = next;
    try {
      this.#thread ??= this.#start();
    } catch {
      return this.#answer(NO_THREAD); // a later one may find more descriptors
    }
    if ("text" in asked) return this.#thread.postMessage(asked);
    const { buffer, length } = asked.body;
    // else the rest of its buffer may belong to others; the slice() of a Buffer is no copy
    const body = length === buffer.byteLength ? asked.body : new Uint8Array(asked.body);
    this.#thread.postMessage({ ...asked, body }, [body.buffer]);
  }

  #answer(answer: FromReader): void {
    this.#reading?.resolve(answer);
    this.#reading = undefined;
    this.#next();
  }

  #start(): Worker {
    const thread = startThread(program.requestReader, "none");
    thread.onmessage = ({ data }: MessageEvent<FromReader>) => this.#answer(data);
    thread.onerror = (event) => {
      event.preventDefault(); // else it ends this process
      this.#fail();
    };
    return thread;
  }
}

function refusalOf(answer: FromReader): Error {
  return "refusal" in answer && answer.refusal !== null
    ? new Refusal(answer.refusal.code, answer.refusal.detail)
    : new Error("the thread that reads requests failed");
}
