/** The log as it stands, for whoever asks: its signed checkpoint, a receipt with its proof, consistency between sizes. */

import { base64Encode } from "../core/encoding.ts";
import type { Signer } from "../core/ed25519.ts";
import { Refusal } from "../core/errors.ts";
import type { JsonObject } from "../core/types.ts";
import type { LogReader } from "../ledger/ledger.ts";
import { signCheckpoint } from "../log/checkpoint.ts";
import { consistencyProof, inclusionProof } from "../log/proof.ts";
import { receiptEnvelope } from "../log/signed_receipt.ts";
import { formatTlogProof } from "../log/tlog_proof.ts";
import { rootOf } from "../log/tree.ts";

export class LogHead {
  #newest: { readonly size: number; readonly text: string } | null = null;

  constructor(
    private readonly executorId: string,
    private readonly log: LogReader,
    private readonly signer: Signer,
  ) {}

  get size(): number {
    return this.log.size();
  }

  /** The newest checkpoint: a C2SP signed note. Signed once for each size that is asked for. */
  checkpoint(): string {
    const size = this.log.size();
    if (this.#newest?.size !== size) {
      this.#newest = {
        size,
        text: signCheckpoint(this.executorId, size, rootOf(this.log, size), this.signer),
      };
    }
    return this.#newest.text;
  }

  /** Receipt `index` as DSSE, with the C2SP tlog-proof that makes it a file of its own. Throws execution_not_found. */
  receipt(index: number): JsonObject {
    const receipt = this.log.leaf(index);
    if (receipt === undefined) {
      throw new Refusal("execution_not_found", "The log has no receipt of this number.");
    }
    return { log_index: index, receipt: receiptEnvelope(receipt), proof: this.#proofOf(index) };
  }

  /** RFC 9162, section 2.1.3: hashes in base64. Throws request_malformed unless index < size <= the log's size. */
  inclusion(index: number, size: number): JsonObject {
    if (size > this.log.size() || index >= size) throw outOfRange();
    return {
      index,
      size,
      root: base64Encode(rootOf(this.log, size)),
      proof: inclusionProof(this.log, index, size).map(base64Encode),
    };
  }

  /** RFC 9162, section 2.1.4. Throws request_malformed unless 0 < from <= to <= the log's size. */
  consistency(from: number, to: number): JsonObject {
    if (from < 1 || from > to || to > this.log.size()) throw outOfRange();
    return { from, to, proof: consistencyProof(this.log, from, to).map(base64Encode) };
  }

  #proofOf(index: number): string {
    const checkpoint = this.checkpoint();
    const size = this.#newest?.size ?? 0;
    if (index >= size) throw outOfRange();
    return formatTlogProof({ index, hashes: inclusionProof(this.log, index, size), checkpoint, extra: null });
  }
}

function outOfRange(): Refusal {
  return new Refusal("request_malformed", "The log has no such entries.");
}
