/**
 * Verifies the signatures of an audit on a thread of its own, which is where half of an audit's time goes.
 *
 * The thread writes its verdicts to shared memory, so that whoever is busy sees at once how far it is; a message, which
 * only an idle event loop hears soon, says that there is one for those who wait.
 *
 * Invariant: a batch's answer comes from a thread that looked at all of it. When the thread fails, so does the audit.
 */

import { pathToFileURL } from "node:url";
import { firstBadSignature, packJobs, type SignatureJob } from "./signature_jobs.ts";
import { program } from "../os/program.ts";

/** Batches that are verified before a thread is started: most logs take less time than its start. */
const ALONE = 8;
/** Batches that wait for the thread at most; whoever has one more has time to verify it. */
const WAITING_MAX = 3;
/** In the place of a verdict until there is one. */
const NO_VERDICT = -2;

export class SignatureThread {
  /** One place for each batch that may wait: batch n has place n modulo their number. */
  readonly #verdicts = new Int32Array(
    new SharedArrayBuffer(WAITING_MAX * Int32Array.BYTES_PER_ELEMENT),
  );
  /** In the order in which they were asked for, which is that of the answers. */
  readonly #waiting: PromiseWithResolvers<number>[] = [];
  #heard = 0;
  #alone = ALONE;
  #worker: Worker | undefined;
  #port: MessagePort | undefined;
  #failure: Error | undefined;

  /** `entry`: the file that the thread runs. */
  constructor(private readonly entry = program.signatures) {}

  /** As AuditOptions want it. */
  readonly firstBadSignature = (jobs: readonly SignatureJob[]): number | Promise<number> => {
    if (this.#alone > 0) {
      this.#alone--;
      return firstBadSignature(jobs);
    }
    this.#hear();
    return this.#waiting.length < WAITING_MAX ? this.#ask(jobs) : firstBadSignature(jobs);
  };

  end(): void {
    this.#port?.close();
    this.#worker?.terminate();
  }

  #ask(jobs: readonly SignatureJob[]): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const answer = Promise.withResolvers<number>();
    Atomics.store(this.#verdicts, this.#place(this.#waiting.length), NO_VERDICT);
    this.#waiting.push(answer);
    const packed = packJobs(jobs);
    (this.#port ??= this.#start()).postMessage(packed, [packed.buffer]);
    return answer.promise;
  }

  /** Takes the verdicts that are there. */
  #hear(): void {
    while (this.#waiting.length > 0) {
      const verdict = Atomics.load(this.#verdicts, this.#place(0));
      if (verdict === NO_VERDICT) return;
      this.#heard++;
      this.#waiting.shift()?.resolve(verdict);
    }
  }

  /** Of the batch that is `ahead` of the oldest that waits. */
  #place(ahead: number): number {
    return (this.#heard + ahead) % WAITING_MAX;
  }

  #start(): MessagePort {
    const worker = new Worker(pathToFileURL(this.entry).href, {
      type: "module",
      deno: { permissions: "none" },
    });
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => this.#hear();
    worker.addEventListener("error", (event) => {
      event.preventDefault(); // else it ends the process without a word of ours
      this.#fail(new Error(`the thread that verifies signatures failed: ${event.message}`));
    });
    worker.postMessage(this.#verdicts, [port2]);
    this.#worker = worker;
    return port1;
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
