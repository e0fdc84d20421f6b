/** Checkpoints against the entries as they stream by: those kept elsewhere, and the one an export ends with. */

import { equalBytes } from "../core/bytes.ts";
import { type AuditProblem, problem } from "./audit_report.ts";
import { openCheckpoint, parseTreeHead, type TreeHead } from "./checkpoint.ts";
import type { ChainedKey } from "./key_chain.ts";
import { parseSignedNote } from "./signed_note.ts";
import type { Frontier } from "./tree.ts";

interface Kept {
  readonly text: string;
  /** Not to be believed before its signature was verified, which takes keys that only the whole log tells. */
  readonly head: TreeHead | undefined;
}

export class CheckpointAudit {
  readonly #kept: Kept[] = [];
  /** By size, because there may be as many as entries. */
  readonly #bySize = new Map<number, Kept[]>();
  readonly #different = new Set<Kept>();

  constructor(texts: readonly string[]) {
    for (const text of texts) this.#keep(text);
  }

  /** Of exactly the entries so far: any other size is a mismatch, for those entries went by and were not compared. */
  addFinal(text: string, frontier: Frontier): void {
    const kept = this.#keep(text);
    if (kept.head?.size !== frontier.size || !equalBytes(kept.head.root, frontier.root())) {
      this.#different.add(kept);
    }
  }

  #keep(text: string): Kept {
    const head = parseTreeHead(parseSignedNote(text)?.text ?? "");
    const kept = { text, head };
    this.#kept.push(kept);
    if (head !== undefined) {
      const others = this.#bySize.get(head.size);
      if (others === undefined) this.#bySize.set(head.size, [kept]);
      else others.push(kept);
    }
    return kept;
  }

  /** Called after each entry. */
  compare(frontier: Frontier): void {
    for (const kept of this.#bySize.get(frontier.size) ?? []) {
      if (kept.head === undefined || !equalBytes(kept.head.root, frontier.root())) {
        this.#different.add(kept);
      }
    }
  }

  /** Called after the last of `entries`, with the keys the log told. */
  conclude(
    entries: number,
    executorId: string,
    keys: readonly ChainedKey[],
  ): AuditProblem | undefined {
    for (const kept of this.#kept) {
      const { head, text } = kept;
      if (head === undefined) {
        return problem("checkpoint_malformed", null, "a checkpoint given is none");
      }
      if (openCheckpoint(text, executorId, keys.map(({ publicKey }) => publicKey)) === undefined) {
        return problem(
          "checkpoint_not_signed",
          null,
          `no key of this log signed the checkpoint of ${head.size}`,
        );
      }
      if (head.size > entries) {
        const detail = `the log has ${entries} of the ${head.size} entries that a checkpoint saw`;
        return problem("checkpoint_mismatch", null, detail);
      }
      if (this.#different.has(kept)) {
        const detail = `the first ${head.size} entries are not those that a checkpoint saw`;
        return problem("checkpoint_mismatch", null, detail);
      }
    }
    return undefined;
  }

  /**
   * Whether one of `trusted` vouches for the log: as its first key, or by a checkpoint that covers the entry which made it
   * current. That an entry only names a trusted key proves nothing, for that takes no consent of the key.
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
