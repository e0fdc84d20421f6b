/**
 * Looks at proposals: one, a page, the events, and the end of one that is waited for.
 *
 * Invariants: a proposal that its viewer may not see is answered exactly as one that does not
 * exist. The viewer of a page takes a turn now and then, so that other requests do not wait for it,
 * however many proposals there are.
 */

import { Refusal } from "../../core/errors.ts";
import { JsonText } from "../../core/json/json_text.ts";
import { isOver, type ProposalStatus } from "../../core/proposal.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { formatTime } from "../../log/time.ts";
import type { Runs } from "../runs.ts";
import { type Asker, type EngineParts, gone, goOn, type Viewer } from "../types.ts";
import type { Following, OnGone } from "./events.ts";
import type { Similar } from "./similar.ts";
import { type ProposalView, proposalView, statusOf, type ViewParts } from "./view.ts";
import { isProposalVisible, type Waiting } from "./waiting.ts";

export class ProposalViews {
  constructor(
    private readonly parts: EngineParts,
    private readonly runs: Runs,
    private readonly waiting: Waiting,
    private readonly similar: Similar,
  ) {}

  isOver(record: ProposalRecord): boolean {
    return isOver(statusNow(record, this.parts));
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

interface PageQuery {
  /** null: all. */
  readonly status: ProposalStatus | null;
  /** null: all. Each uid may have one of its own under a nonce. */
  readonly nonce: string | null;
  readonly limit: number;
  /** The id to go on from; null: from the newest. */
  readonly before: string | null;
}

/** `next` is the cursor to go on with; null: no more. */
type ProposalsView = {
  readonly proposals: readonly ProposalView[];
  readonly next: string | null;
  readonly now: string;
};

/** How much text a page opens before it ends, in UTF-16 code units: it is held in memory whole. */
const PAGE_TEXT_LENGTH = 2 ** 20;
/** Rows looked at between two turns of the event loop. */
const ROWS_PER_TURN = 32;

/** `waiting` is everything that waits, the oldest first. */
async function proposalsPage(
  viewer: Viewer,
  { status, nonce, limit, before }: PageQuery,
  waiting: readonly ProposalRecord[],
  parts: ViewParts,
): Promise<ProposalsView> {
  const isMeant = (record: ProposalRecord | undefined): record is ProposalRecord =>
    record !== undefined && isProposalVisible(record, viewer) &&
    (nonce === null || nonce === record.nonce) &&
    (status === null || status === statusNow(record, parts));
  const proposals: ProposalView[] = [];
  const now = formatTime(parts.clock.nowMs());
  let textLength = 0;
  for await (const rows of turns(viewer, status, before, waiting, parts)) {
    for (const row of rows) {
      if (!isMeant(row)) continue;
      if (proposals.length === limit || textLength >= PAGE_TEXT_LENGTH) {
        return { proposals, next: proposals.at(-1)?.id ?? null, now };
      }
      const record = parts.ledger.proposals.find(row.id); // it may have changed since it was listed
      if (!isMeant(record)) continue;
      const view = await proposalView(record, viewer, parts);
      proposals.push(view);
      textLength += textLengthOf(view);
    }
  }
  return { proposals, next: null, now };
}

/** The payload, and the canonical text beside it, are all that may be long. */
function textLengthOf({ payload }: ProposalView): number {
  return payload instanceof JsonText ? 2 * payload.text.length : 0;
}

/** Yields rows by the turn. Those that wait are in memory: no row that ended is read for them. */
async function* turns(
  viewer: Viewer,
  status: ProposalStatus | null,
  before: string | null,
  waiting: readonly ProposalRecord[],
  { ledger }: ViewParts,
): AsyncGenerator<readonly ProposalRecord[]> {
  if (status === "pending" || status === "approved") {
    const inOrder = waiting.filter(({ id }) => before === null || id < before).toReversed();
    for (let at = 0; at < inOrder.length; at += ROWS_PER_TURN) {
      yield inOrder.slice(at, at + ROWS_PER_TURN);
      await goOn(viewer);
    }
    return;
  }
  for (let from = before;;) {
    const rows = ledger.proposals.list({ uid: viewer.uid, before: from, limit: ROWS_PER_TURN });
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_PER_TURN) return;
    from = last.id;
    await goOn(viewer);
  }
}

function statusNow(record: ProposalRecord, { ledger }: Pick<ViewParts, "ledger">): ProposalStatus {
  return statusOf(record, record.status === "started" ? ledger.find(record.id) : undefined);
}
