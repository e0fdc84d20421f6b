/**
 * A page of executions, newest first, as GET /executions answers it.
 *
 * Invariants: nothing waits for more than one execution, because the event loop has a turn after each; each is shown as it is when
 * its turn comes. A page that ended early says how to go on, and has one execution at least.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Ledger } from "../ledger/ledger.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import type { ExecutionView } from "./types.ts";
import type { ExecutionsView } from "./views.ts";
import { executionView, loadSettled, type SettledLedger } from "./view.ts";

export type ListedLedger = SettledLedger & Pick<Ledger, "list">;

export interface PageAsked {
  /** The uid whose executions may be seen, null for everyone's. */
  readonly visibleTo: number | null;
  readonly limit: number;
  /** An id to go on from; null: from the newest. */
  readonly before: string | null;
}

/**
 * What is opened for a page before it ends, in UTF-16 code units, and one execution more: so much is held for one answer, and
 * written out in one go.
 */
const TEXT_LENGTH = 2 ** 20;

export async function executionsPage(
  ledger: ListedLedger,
  { visibleTo, limit, before }: PageAsked,
): Promise<ExecutionsView> {
  const executions: ExecutionView[] = [];
  let textLength = 0;
  let last = before;
  for (;;) {
    const record = newestBefore(ledger, visibleTo, last);
    if (record === undefined) return { executions, next: null };
    if (executions.length === limit || textLength >= TEXT_LENGTH) return { executions, next: last };
    const settled = loadSettled(record, ledger);
    executions.push(executionView(settled, false));
    textLength += settled.textLength;
    last = record.id;
    await nextTurn();
  }
}

function newestBefore(
  ledger: ListedLedger,
  uid: number | null,
  before: string | null,
): ExecutionRecord | undefined {
  return ledger.list({ uid, limit: 1, ...(before === null ? {} : { before }) })[0];
}
