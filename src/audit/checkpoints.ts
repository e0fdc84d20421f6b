/** Compares checkpoints with the entries: those kept elsewhere, and the one that ends an export. */

import { equalBytes } from "../core/bytes.ts";
import { openCheckpoint, type TreeHead, unverifiedHead } from "../log/checkpoint.ts";
import type { ChainedKey } from "../log/key_chain.ts";
import type { Frontier } from "../log/tree.ts";
import { type AuditProblem, problem } from "./report.ts";

interface Kept {
  readonly text: string;
  /** Unverified until the end, for only the whole log tells the keys that may have signed it. */
  readonly head: TreeHead | undefined;
  /** Whether the entries it covers are others than it saw. */
  differs: boolean;
}

export class CheckpointAudit {
  readonly #kept: Kept[] = [];
  /** By size, because there may be as many as entries. */
  readonly #bySize = new Map<number, Kept[]>();

  constructor(texts: readonly string[]) {
    for (const text of texts) this.#keep(text);
  }

  /** Adds one that must cover exactly the entries so far, since earlier sizes went by unseen. */
  addFinal(text: string, tree: Frontier): void {
    const kept = this.#keep(text);
    kept.differs = kept.head?.size !== tree.size || !equalBytes(kept.head.root, tree.root());
  }

  #keep(text: string): Kept {
    const head = unverifiedHead(text);
    const kept = { text, head, differs: false };
    this.#kept.push(kept);
    if (head !== undefined) {
      const others = this.#bySize.get(head.size);
      if (others === undefined) this.#bySize.set(head.size, [kept]);
      else others.push(kept);
    }
    return kept;
  }

  /** Called after each entry. */
  compare(tree: Frontier): void {
    for (const kept of this.#bySize.get(tree.size) ?? []) {
      kept.differs = kept.head === undefined || !equalBytes(kept.head.root, tree.root());
    }
  }

  /** Called after the last entry, with the keys that the log told. */
  conclude(
    entries: number,
    executorId: string,
    keys: readonly ChainedKey[],
  ): AuditProblem | undefined {
    const publicKeys = keys.map(({ publicKey }) => publicKey);
    for (const { text, head, differs } of this.#kept) {
      if (head === undefined) {
        return problem("checkpoint_malformed", null, "a checkpoint given is none");
      }
      if (openCheckpoint(text, executorId, publicKeys) === undefined) {
        const detail = `no key of this log signed the checkpoint of ${head.size}`;
        return problem("checkpoint_not_signed", null, detail);
      }
      if (head.size > entries) {
        const detail = `the log has ${entries} of the ${head.size} entries that a checkpoint saw`;
        return problem("checkpoint_mismatch", null, detail);
      }
      if (differs) {
        const detail = `the first ${head.size} entries are not those that a checkpoint saw`;
        return problem("checkpoint_mismatch", null, detail);
      }
    }
    return undefined;
  }

  /**
   * Whether one of `trusted` vouches for the log: as its first key, or by a checkpoint that covers
   * the entry which made it current. An entry that merely names a trusted key proves nothing,
   * because a forger can write one without the key's consent.
   */
  anchors(
    executorId: string,
    keys: readonly ChainedKey[],
    trusted: readonly Uint8Array[],
  ): boolean {
    return keys.some(({ publicKey, since }) => {
      if (!trusted.some((key) => equalBytes(key, publicKey))) return false;
      return since === 0 || this.#kept.some(({ text }) => {
        const checkpoint = openCheckpoint(text, executorId, [publicKey]);
        return checkpoint !== undefined && checkpoint.size > since;
      });
    });
  }
}
