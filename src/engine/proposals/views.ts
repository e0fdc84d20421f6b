/**
 * Looks at proposals: one, a page, the events, and the end of one that is waited for.
 *
 * Invariant: a proposal that its viewer may not see is answered exactly as one that does not exist.
 */

import { Refusal } from "../../core/errors.ts";
import { isOver } from "../../core/proposal.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import type { Runs } from "../runs.ts";
import { gone } from "../turn.ts";
import type { Asker, EngineParts, Viewer } from "../types.ts";
import type { Following } from "./events.ts";
import { type PageQuery, proposalsPage, type ProposalsView } from "./page.ts";
import { type ProposalView, proposalView, statusOf } from "./view.ts";
import type { Similar } from "./similar.ts";
import type { OnGone } from "./waiters.ts";
import { isProposalVisible, type Waiting } from "./waiting.ts";

export class ProposalViews {
  constructor(
    private readonly parts: EngineParts,
    private readonly runs: Runs,
    private readonly waiting: Waiting,
    private readonly similar: Similar,
  ) {}

  isOver(record: ProposalRecord): boolean {
    return isOver(this.#statusOf(record));
  }

  /** Throws a Refusal: proposal_not_found. Waits up to `waitMs` for its end. */
  async find(id: string, viewer: Viewer, waitMs: number, onGone: OnGone): Promise<ProposalView> {
    this.visible(this.parts.ledger.proposals.find(id), viewer);
    return await this.wait(id, viewer, { waitMs, onGone });
  }

  /** Throws a Refusal: proposal_not_found. A nonce is its uid's own: others may have the same. */
  async findByNonce(
    nonce: string,
    asker: Asker,
    waitMs: number,
    onGone: OnGone,
  ): Promise<ProposalView> {
    const viewer = viewerOf(asker);
    const known = this.parts.ledger.proposals.findByNonce(asker.peer.uid, nonce);
    const { id } = this.visible(known, viewer);
    return await this.wait(id, viewer, { waitMs, onGone });
  }

  /** Throws a Refusal: peer_denied. The newest first; `before` is the id to go on from. */
  async page(viewer: Viewer, query: PageQuery): Promise<ProposalsView> {
    requireNamed(viewer);
    return await proposalsPage(viewer, query, this.waiting.records, {
      ...this.parts,
      similar: this.similar,
    });
  }

  /**
   * Returns how to follow the events that `viewer` may see: first those after the event of the id
   * `last`, or, without a known one, an event for everything that waits. Throws peer_denied.
   */
  follow(viewer: Viewer, last: string | null): Following {
    requireNamed(viewer);
    return (send, onClose) => this.waiting.follow(viewer, last, send, onClose);
  }

  /** Waits for its end, and shows it as it is then. Throws request_malformed for who has gone. */
  async wait(
    id: string,
    viewer: Viewer,
    { waitMs, onGone }: { readonly waitMs: number; readonly onGone: OnGone },
  ): Promise<ProposalView> {
    const deadline = performance.now() + waitMs;
    for (let hasWaited = false;; hasWaited = true) {
      const leftMs = deadline - performance.now();
      const record = this.parts.ledger.proposals.find(id);
      const isLate = leftMs <= 0 || hasWaited && this.#isClosing;
      const mayWait = !isLate && record !== undefined && !this.isOver(record);
      if (!mayWait) return await (hasWaited ? this.viewInTurn(id, viewer) : this.view(id, viewer));
      if (await this.waiting.waiters.change(id, leftMs, onGone) === "gone") throw gone();
    }
  }

  get #isClosing(): boolean {
    return this.runs.isDraining || this.waiting.waiters.isOver;
  }

  /** For a caller who has waited. Throws request_malformed for one who has gone. */
  async viewInTurn(id: string, viewer: Viewer): Promise<ProposalView> {
    if (await viewer.again?.() === false) throw gone();
    return await this.view(id, viewer);
  }

  async view(id: string, viewer: Viewer): Promise<ProposalView> {
    const record = this.visible(this.parts.ledger.proposals.find(id), viewer);
    return await proposalView(record, viewer, { ...this.parts, similar: this.similar });
  }

  #statusOf(record: ProposalRecord) {
    const isStarted = record.status === "started";
    return statusOf(record, isStarted ? this.parts.ledger.find(record.id) : undefined);
  }

  visible(record: ProposalRecord | undefined, viewer: Viewer): ProposalRecord {
    requireNamed(viewer);
    if (record === undefined || !isProposalVisible(record, viewer)) {
      throw new Refusal("proposal_not_found");
    }
    return record;
  }
}

/** A peer sees what the same uid proposed. */
export function viewerOf({ peer: { uid }, meter, again }: Asker): Viewer {
  return { uid, actions: null, isReviewer: false, meter, again };
}

/** Stands for every uid that the kernel cannot name in this namespace: it is nobody's own. */
const OVERFLOW_UID = 65_534;

/** Throws a Refusal: peer_denied. */
export function requireNamed({ uid }: Pick<Viewer, "uid">): void {
  if (uid === OVERFLOW_UID) throw new Refusal("peer_denied", "This uid stands for any user.");
}
