/**
 * Verifies the signatures of a log in a thread of its own, while the rest of each entry is looked
 * at: they are a third of an audit.
 *
 * Invariants:
 * - end() resolves to the first bad entry of all that were added. It rejects where the thread
 *   failed, so that nothing passes unverified.
 * - A bounded number of entries is under way, for a caller that awaits room().
 */

import { concatBytes, equalBytes } from "../core/bytes.ts";
import { program } from "../os/program.ts";
import { startThread } from "../os/thread.ts";
import type { ReceiptVersion } from "../log/receipt.ts";
import { type LoggedReceipt, SIGNATURE_BYTES } from "../log/signed_receipt.ts";
import type { SignatureChecks } from "./audit.ts";

/** Some hundred kilobytes: what is larger is mapped anew each time, at a fault for each page. */
const BATCH_ENTRIES = 128;
/** Some three megabytes: enough for the thread to go on with while claims are looked up. */
const BATCHES_UNDER_WAY = 24;

/** Entries that one key must have signed: their bytes one after another, signature before body. */
export interface SignatureBatch {
  readonly publicKey: Uint8Array;
  readonly bytes: Uint8Array;
  readonly entries: readonly { readonly version: ReceiptVersion; readonly length: number }[];
}

/** Cuts the entries of a batch out of its bytes. */
export function* entriesOf({ bytes, entries }: SignatureBatch) {
  let at = 0;
  for (const { version, length } of entries) {
    const [signature, body] = [
      bytes.subarray(at, at + SIGNATURE_BYTES),
      bytes.subarray(at + SIGNATURE_BYTES, at + length),
    ];
    yield { version, signature, body };
    at += length;
  }
}

/** Its answer: the place of the first bad entry in the batch, or null. */
export type BatchAnswer = number | null;

export class SignatureThread implements SignatureChecks, Disposable {
  readonly #thread: Worker;
  readonly #batchEntries: number;
  #publicKey = new Uint8Array();
  #added: LoggedReceipt[] = [];
  /** Index of the first entry of each batch that is under way. */
  readonly #sent: number[] = [];
  #firstBad: number | null = null;
  #failed = false;
  /** Resolves at the next answer. */
  #next = Promise.withResolvers<void>();

  /** Throws an Error where no thread can be started. */
  constructor(
    batchEntries = BATCH_ENTRIES,
    start: () => Worker = () => startThread(program.signatureThread, "none"),
  ) {
    this.#batchEntries = batchEntries;
    this.#thread = start();
    this.#thread.onmessage = ({ data }: MessageEvent<BatchAnswer>) => this.#hear(data);
    this.#thread.onerror = (event) => {
      event.preventDefault(); // else it ends this process
      this.#failed = true;
      this.#next.resolve();
    };
  }

  add(entry: LoggedReceipt, publicKey: Uint8Array): void {
    if (!equalBytes(publicKey, this.#publicKey)) {
      this.#send();
      this.#publicKey = Uint8Array.from(publicKey);
    }
    this.#added.push(entry);
    if (this.#added.length === this.#batchEntries) this.#send();
  }

  async room(): Promise<boolean> {
    await this.#untilUnderWay(BATCHES_UNDER_WAY);
    return this.#firstBad === null;
  }

  async end(): Promise<number | null> {
    this.#send();
    await this.#untilUnderWay(0);
    return this.#firstBad;
  }

  [Symbol.dispose](): void {
    this.#thread.terminate();
  }

  async #untilUnderWay(batches: number): Promise<void> {
    while (this.#sent.length > batches) {
      if (this.#failed) throw new Error("the thread that verifies signatures failed");
      await this.#next.promise;
    }
  }

  #send(): void {
    const [first] = this.#added;
    if (first === undefined) return;
    const bytes = concatBytes(...this.#added.flatMap(({ signature, body }) => [signature, body]));
    const batch: SignatureBatch = {
      publicKey: this.#publicKey,
      bytes,
      entries: this.#added.map(({ version, body }) => ({
        version,
        length: SIGNATURE_BYTES + body.length,
      })),
    };
    this.#thread.postMessage(batch, [bytes.buffer]);
    this.#sent.push(first.index);
    this.#added = [];
  }

  /** Batches are answered in their order. */
  #hear(answer: BatchAnswer): void {
    const first = this.#sent.shift();
    if (answer !== null && first !== undefined) this.#firstBad ??= first + answer;
    this.#next.resolve();
    this.#next = Promise.withResolvers<void>();
  }
}
