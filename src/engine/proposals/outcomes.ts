/** How proposals stand: what a viewer may see of them, and waiting for their ends. */

import { Refusal } from "../../core/errors.ts";
import { isOver } from "../../core/proposal.ts";
import type { Peer } from "../../core/types.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import type { Runs } from "../runs.ts";
import type { EngineParts, Viewer } from "../types.ts";
import { type ProposalView, proposalView, statusOf } from "./view.ts";
import type { OnGone, Waiters } from "./waiters.ts";
import { isProposalVisible } from "./waiting.ts";

export class Outcomes {
  constructor(
    private readonly parts: EngineParts,
    private readonly runs: Pick<Runs, "isDraining">,
    private readonly waiters: Waiters,
  ) {}

  isOver(record: ProposalRecord): boolean {
    return isOver(this.#statusOf(record));
  }

  /** Answers with the proposal as it is after waiting for its end. Throws proposal_not_found. */
  async wait(
    id: string,
    viewer: Viewer,
    { waitMs, onGone }: { readonly waitMs: number; readonly onGone: OnGone },
  ): Promise<ProposalView> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const leftMs = deadline - performance.now();
      const record = this.parts.ledger.proposals.find(id);
      const mayWait = leftMs > 0 && record !== undefined && !this.isOver(record);
      if (!mayWait) return this.view(id, viewer);
      await this.waiters.change(id, leftMs, onGone);
      if (this.runs.isDraining || this.waiters.isOver) return this.view(id, viewer);
    }
  }

  /** Throws a Refusal: proposal_not_found. */
  view(id: string, viewer: Viewer): ProposalView {
    const record = this.visible(this.parts.ledger.proposals.find(id), viewer);
    return proposalView(record, viewer, this.parts);
  }

  #statusOf(record: ProposalRecord) {
    const isStarted = record.status === "started";
    return statusOf(record, isStarted ? this.parts.ledger.find(record.id) : undefined);
  }

  /** Throws a Refusal: proposal_not_found, peer_denied. */
  visible(record: ProposalRecord | undefined, viewer: Viewer): ProposalRecord {
    requireNamed(viewer);
    if (record === undefined || !isProposalVisible(record, viewer)) {
      throw new Refusal("proposal_not_found");
    }
    return record;
  }
}

/** A peer sees what the same uid proposed. */
export function viewerOf({ uid }: Peer): Viewer {
  return { uid, actions: null, isReviewer: false };
}

/** Stands for every uid that the kernel cannot name in this namespace: it is nobody's own. */
const OVERFLOW_UID = 65_534;

/** Throws a Refusal: peer_denied. */
export function requireNamed({ uid }: Pick<Viewer, "uid">): void {
  if (uid === OVERFLOW_UID) throw new Refusal("peer_denied", "This uid stands for any user.");
}
