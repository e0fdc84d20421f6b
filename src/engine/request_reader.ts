/**
 * Reads the bodies of requests: small ones at once, large ones in a thread of their own, so that
 * no body holds the event loop.
 *
 * Invariants: the thread has no permissions and reads one body at a time; among bodies that wait,
 * the uids take turns.
 */

import { pathToFileURL } from "node:url";
import { type ErrorCode, Refusal } from "../core/errors.ts";
import { FairQueue } from "../core/fair_queue.ts";
import { program } from "../os/program.ts";
import { readRequest, type RequestText } from "./request.ts";

/** The largest body that is read at once: a millisecond of the event loop, at the worst. */
export const SMALL_BODY_BYTES = 16 * 1024;

/** A message to the thread. */
export interface ToReader {
  readonly body: Uint8Array;
  readonly allowed: readonly string[];
}

/** Its answer: the text, the refusal, or null for a bug. */
export type FromReader =
  | { readonly text: RequestText }
  | { readonly refusal: { readonly code: ErrorCode; readonly detail: string } | null };

const FAILED: FromReader = { refusal: null };

interface Waiting extends ToReader {
  readonly resolve: (answer: FromReader) => void;
}

export class RequestReader {
  readonly #waiting = new FairQueue<Waiting>();
  #thread: Worker | undefined;
  /** The body that the thread has. */
  #reading: Waiting | undefined;

  /** Throws a Refusal: request_malformed, payload_not_i_json. */
  async read(body: Uint8Array, allowed: readonly string[], uid: number): Promise<RequestText> {
    if (body.length <= SMALL_BODY_BYTES) return readRequest(body, allowed);
    const { promise, resolve } = Promise.withResolvers<FromReader>();
    this.#waiting.add(uid, { body, allowed, resolve });
    this.#next();
    const answer = await promise;
    if ("text" in answer) return answer.text;
    if (answer.refusal === null) throw new Error("the thread that reads requests failed");
    throw new Refusal(answer.refusal.code, answer.refusal.detail);
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
    const { body, allowed } = next;
    const own = body.slice(); // the rest of its buffer may belong to others
    this.#thread ??= this.#start();
    this.#thread.postMessage({ body: own, allowed }, [own.buffer]);
  }

  #answer(answer: FromReader): void {
    this.#reading?.resolve(answer);
    this.#reading = undefined;
    this.#next();
  }

  #start(): Worker {
    const thread = new Worker(pathToFileURL(program.requestReader), {
      type: "module",
      deno: { permissions: "none" },
    });
    thread.onmessage = ({ data }: MessageEvent<FromReader>) => this.#answer(data);
    thread.onerror = (event) => {
      event.preventDefault(); // else it ends this process
      this.#fail();
    };
    return thread;
  }
}
