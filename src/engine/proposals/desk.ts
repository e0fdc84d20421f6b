/**
 * Requests that wait for a person: proposed, looked at, signed, declined, withdrawn.
 *
 * propose: parse -> known nonce? -> begin (begin.ts)
 * approve: find -> verify -> join -> start, or wait for more (rules.ts)
 *
 * Invariants:
 * - A proposal is on disk before it is answered. It ends by a decline, its expiry, its proposer's
 *   withdrawal, a refusal that no waiting helps, or the end of its execution, and by nothing else.
 * - No route carries authority: what decides is a signature, checked here against the trust store.
 */

import { Refusal } from "../../core/errors.ts";
import { parseIJson } from "../../core/json.ts";
import { isOver } from "../../core/proposal.ts";
import type { Peer } from "../../core/types.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { refuseWhileClosed } from "../gate.ts";
import type { NonceQueue } from "../replay.ts";
import type { RequestReader } from "../request_reader.ts";
import type { Runs } from "../runs.ts";
import type { Starter } from "../starter.ts";
import type { EngineParts, RequestContext, Viewer } from "../types.ts";
import { begin, isSame } from "./begin.ts";
import { endProposal, restoredReceipt } from "./ends.ts";
import type { Following } from "./events.ts";
import { type PageQuery, proposalsPage, type ProposalsView } from "./page.ts";
import { type ParsedProposal, parseProposal, PROPOSAL_MEMBERS } from "./request.ts";
import { Rules } from "./rules.ts";
import { type ProposalView, proposalView, statusOf } from "./view.ts";
import { isProposalVisible, Waiting } from "./waiting.ts";
import type { OnGone } from "./waiters.ts";

/** In demo mode nobody is waited for: a proposal is answered with its outcome. */
const DEMO_WAIT_MS = 600_000;

export interface ProposalContext extends RequestContext {
  /** Tells when the caller is gone, so that nothing waits on for it. */
  readonly onGone: OnGone;
}

export class ProposalDesk {
  readonly #waiting: Waiting;
  readonly #rules: Rules;

  constructor(
    private readonly parts: EngineParts,
    private readonly runs: Runs,
    starter: Starter,
    private readonly nonces: NonceQueue,
    private readonly requests: RequestReader,
  ) {
    const { config, clock } = parts;
    this.#waiting = new Waiting(
      config.proposals,
      clock,
      (due) => void this.#rules.refresh(due).catch(parts.onBug),
    );
    this.#rules = new Rules(parts, runs, starter, this.#waiting);
    runs.onSettled = ({ id, status, proposedAtMs }) => {
      const record = proposedAtMs === null ? undefined : parts.ledger.proposals.find(id);
      if (record !== undefined) this.#waiting.tell(record, statusOf(record, { status }));
    };
  }

  /** Takes up what waits. Call it once, before anybody is let in. */
  async open(): Promise<void> {
    const { proposals } = this.parts.ledger;
    await proposals.recordOwed((record) => restoredReceipt(record, this.parts));
    for (const record of proposals.waiting()) {
      this.#waiting.room.take(record.peer.uid);
      this.#waiting.put(record);
    }
    await this.refresh();
  }

  /** Looks again at everything that waits: trust, halt or revocations have changed. */
  async refresh(): Promise<void> {
    await this.#rules.refresh(this.#waiting.records);
    this.#rules.starts.pump();
  }

  /** Lets everyone go who waits here: the daemon stops, and what waits stays on disk. */
  drain(): void {
    this.#waiting.close();
    this.#rules.starts.close();
  }

  isOver(record: ProposalRecord): boolean {
    return isOver(this.#statusOf(record));
  }

  async propose(body: Uint8Array, context: ProposalContext): Promise<ProposalView> {
    requireNamed(context.peer);
    const text = await this.requests.read(body, PROPOSAL_MEMBERS, context.peer.uid);
    const proposed = parseProposal(text, context.idempotencyKey);
    const id = uuidV7(context.receivedAtMs);
    const nonce = proposed.nonce ?? id;
    const begun = this.#begin(id, nonce, proposed, context).catch((error: unknown) => {
      this.#noteRefusal(error, { action: proposed.action, nonce }, context.peer);
      throw error;
    });
    const known = await this.runs.keepUntilDone(begun);
    const isDemo = this.parts.ledger.mode === "demo";
    const waitMs = isDemo ? DEMO_WAIT_MS : context.waitMs;
    return await this.#outcomeOf(known.id, viewerOf(context.peer), { ...context, waitMs });
  }

  /** Throws a Refusal: proposal_not_found. Waits up to `waitMs` for its end. */
  async find(id: string, viewer: Viewer, waitMs: number, onGone: OnGone): Promise<ProposalView> {
    this.#visible(this.parts.ledger.proposals.find(id), viewer);
    return await this.#outcomeOf(id, viewer, { waitMs, onGone });
  }

  /** Throws a Refusal: proposal_not_found. A nonce is its uid's own: others may have the same. */
  async findByNonce(
    nonce: string,
    uid: number,
    waitMs: number,
    onGone: OnGone,
  ): Promise<ProposalView> {
    const viewer = { uid, actions: null, isReviewer: false };
    const { id } = this.#visible(this.parts.ledger.proposals.findByNonce(uid, nonce), viewer);
    return await this.#outcomeOf(id, viewer, { waitMs, onGone });
  }

  /** Throws a Refusal: proposal_not_found, proposal_over. */
  async withdraw(id: string, peer: Peer): Promise<ProposalView> {
    const viewer = viewerOf(peer);
    this.#visible(this.parts.ledger.proposals.find(id), viewer);
    return await this.#change(id, viewer, peer, async (record) => {
      const by = { ...peer };
      const ending = { status: "withdrawn", code: "proposal_withdrawn", by, reason: null } as const;
      await endProposal(record, ending, this.#waiting, this.parts);
    });
  }

  /**
   * Takes an approver's envelope. Throws a Refusal: proposal_not_found, proposal_over, halted,
   * draining, and the approval_* codes in their order.
   */
  async approve(
    id: string,
    body: Uint8Array,
    viewer: Viewer,
    context: ProposalContext,
  ): Promise<ProposalView> {
    this.#visible(this.parts.ledger.proposals.find(id), viewer);
    this.#waiting.current(id);
    const node = parseIJson(body);
    await this.#change(id, viewer, context.peer, async (record) => {
      refuseWhileClosed(this.parts, this.runs);
      await this.#rules.sign(record, node);
    });
    return await this.#outcomeOf(id, viewer, context);
  }

  /** Takes an approver's no. Throws as `approve`, and decision_malformed. */
  async decline(id: string, body: Uint8Array, viewer: Viewer, peer: Peer): Promise<ProposalView> {
    this.#visible(this.parts.ledger.proposals.find(id), viewer);
    this.#waiting.current(id);
    const node = parseIJson(body);
    return await this.#change(id, viewer, peer, async (record) => {
      await this.#rules.decline(record, node);
    });
  }

  /** Throws a Refusal: peer_denied. The newest first; `before` is the id to go on from. */
  async page(viewer: Viewer, query: PageQuery): Promise<ProposalsView> {
    requireNamed(viewer);
    return await proposalsPage(viewer, query, this.#waiting.records, this.parts);
  }

  /**
   * Returns how to follow the events that `viewer` may see: first those after the event of the id
   * `last`, or, without a known one, an event for everything that waits. Throws peer_denied.
   */
  follow(viewer: Viewer, last: string | null): Following {
    requireNamed(viewer);
    return (send, onClose) => this.#waiting.follow(viewer, last, send, onClose);
  }

  async #begin(
    id: string,
    nonce: string,
    proposed: ParsedProposal,
    context: ProposalContext,
  ): Promise<ProposalRecord> {
    const { peer } = context;
    for (let turn; (turn = this.nonces.turnOf(peer, nonce)) !== undefined;) await turn;
    const endTurn = this.nonces.take(peer, nonce);
    try {
      const { ledger } = this.parts;
      const known = ledger.proposals.findByNonce(peer.uid, nonce);
      if (known !== undefined) {
        if (isSame(known, proposed, ledger)) return known;
        throw new Refusal("nonce_reused");
      }
      if (ledger.findByNonce(nonce)?.peer.uid === peer.uid) throw new Refusal("nonce_reused");
      const record = await begin(
        id,
        nonce,
        proposed,
        context,
        this.#waiting.room,
        this.parts,
        this.runs,
      );
      this.#rules.take(record);
      this.#waiting.tell(record, statusOf(record, undefined));
      return record;
    } finally {
      endTurn();
    }
  }

  /** Makes a change in the proposal's turn; a refusal of it leaves a receipt. */
  async #change(
    id: string,
    viewer: Viewer,
    peer: Peer,
    change: (record: ProposalRecord) => Promise<void>,
  ): Promise<ProposalView> {
    const changed = this.#waiting.inTurn(id, async () => {
      await this.#rules.expireIfDue(id);
      const record = this.#waiting.current(id);
      await change(record).catch((error: unknown) => {
        this.#noteRefusal(error, record, peer);
        throw error;
      });
    });
    await this.runs.keepUntilDone(changed);
    return this.#viewOf(id, viewer);
  }

  /** The proposal as it is, after waiting for its end. */
  async #outcomeOf(
    id: string,
    viewer: Viewer,
    { waitMs, onGone }: { readonly waitMs: number; readonly onGone: OnGone },
  ): Promise<ProposalView> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const leftMs = deadline - performance.now();
      const record = this.parts.ledger.proposals.find(id);
      const mayWait = leftMs > 0 && record !== undefined && !this.isOver(record);
      if (!mayWait) return this.#viewOf(id, viewer);
      await this.#waiting.waiters.change(id, leftMs, onGone);
      if (this.runs.isDraining || this.#waiting.waiters.isOver) return this.#viewOf(id, viewer);
    }
  }

  #viewOf(id: string, viewer: Viewer): ProposalView {
    const record = this.#visible(this.parts.ledger.proposals.find(id), viewer);
    return proposalView(record, viewer, this.parts);
  }

  #statusOf(record: ProposalRecord) {
    const isStarted = record.status === "started";
    return statusOf(record, isStarted ? this.parts.ledger.find(record.id) : undefined);
  }

  #visible(record: ProposalRecord | undefined, viewer: Viewer): ProposalRecord {
    requireNamed(viewer);
    if (record === undefined || !isProposalVisible(record, viewer)) {
      throw new Refusal("proposal_not_found");
    }
    return record;
  }

  #noteRefusal(error: unknown, of: { action: string; nonce: string }, peer: Peer): void {
    if (!(error instanceof Refusal)) return this.parts.onBug(error);
    this.parts.refusals.note(error.code, of, peer);
  }
}

/** A peer sees what the same uid proposed. */
function viewerOf({ uid }: Peer): Viewer {
  return { uid, actions: null, isReviewer: false };
}

/** Stands for every uid that the kernel cannot name in this namespace: it is nobody's own. */
const OVERFLOW_UID = 65_534;

/** Throws a Refusal: peer_denied. */
function requireNamed({ uid }: Pick<Viewer, "uid">): void {
  if (uid === OVERFLOW_UID) throw new Refusal("peer_denied", "This uid stands for any user.");
}
