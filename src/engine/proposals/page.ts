/**
 * A page of proposals, the newest first. Its viewer takes a turn now and then, so that other
 * requests do not wait for a page, however many there are.
 */

import { JsonText } from "../../core/json/json.ts";
import type { ProposalStatus } from "../../core/proposal.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { isProposalVisible } from "./waiting.ts";
import { formatTime } from "../../log/time.ts";
import { goOn } from "../turn.ts";
import type { Viewer } from "../types.ts";
import { type ProposalView, proposalView, statusOf, type ViewParts } from "./view.ts";

export interface PageQuery {
  /** null: all. */
  readonly status: ProposalStatus | null;
  readonly limit: number;
  /** The id to go on from; null: from the newest. */
  readonly before: string | null;
}

/** `next` is the cursor to go on with; null: no more. */
export type ProposalsView = {
  readonly proposals: readonly ProposalView[];
  readonly next: string | null;
  readonly now: string;
};

/** How much text a page opens before it ends, in UTF-16 code units: it is held in memory whole. */
const PAGE_TEXT_LENGTH = 2 ** 20;
/** Rows looked at between two turns of the event loop. */
const ROWS_PER_TURN = 32;

/** `waiting` is everything that waits, the oldest first. */
export async function proposalsPage(
  viewer: Viewer,
  { status, limit, before }: PageQuery,
  waiting: readonly ProposalRecord[],
  parts: ViewParts,
): Promise<ProposalsView> {
  const isMeant = (record: ProposalRecord | undefined): record is ProposalRecord =>
    record !== undefined && isProposalVisible(record, viewer) &&
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

function statusNow(record: ProposalRecord, { ledger }: ViewParts): ProposalStatus {
  return statusOf(record, record.status === "started" ? ledger.find(record.id) : undefined);
}
