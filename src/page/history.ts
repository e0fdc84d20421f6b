/**
 * The proposals that ended, with receipts that this browser checks itself, by the SDK's verifier.
 *
 * Invariants:
 * - Trust begins with the executor's key that this browser saw first. A later key counts where the
 *   log's own receipts lead to it, each signed by the key before. Receipts by any other key are not
 *   genuine here, whatever the daemon says.
 * - A receipt is genuine for the proposal that it stands under, as that is shown, and for no other.
 */

import { isJsonObject } from "../core/json/json.ts";
import type { Execution } from "../client/execution.ts";
import type { Proposal } from "../client/proposals/proposal.ts";
import type { Reviewer } from "../client/proposals/reviewer.ts";
import { systemClock } from "../core/clock.ts";
import { messageOf } from "../core/caught.ts";
import { isOver } from "../core/proposal.ts";
import { decodeReceipt, type Receipt } from "../log/receipt.ts";
import { parseReceiptKey } from "../log/keyid.ts";
import { parseReceiptEnvelope } from "../log/receipt_file.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";
import { verifyReceipt } from "../log/verify_receipt.ts";
import { type Check, failed, isGenuine, passed, type Verification } from "../log/verification.ts";
import { alarm, element, facts } from "./dom.ts";
import { keepExecutorKey, knownExecutor, knownExecutorKey } from "./identity.ts";
import { shown, statusText, whenText } from "./text.ts";

/** Returns the view; it fills itself. */
export function historyView(reviewer: Reviewer): HTMLElement {
  const list = element("div", {});
  void fill(list, null, reviewer);
  return element("div", {}, element("h2", { class: "unseen" }, "History"), list);
}

async function fill(list: HTMLElement, cursor: string | null, reviewer: Reviewer): Promise<void> {
  try {
    const { proposals, next } = await reviewer.page(cursor);
    const ended = proposals.filter(({ status }) => isOver(status));
    list.append(...ended.map((proposal) => entryView(proposal, reviewer)));
    if (next === null) {
      if (list.childElementCount === 0) {
        list.append(element("p", { class: "empty" }, "Nothing has ended yet."));
      }
      return;
    }
    const more = () => {
      button.remove();
      void fill(list, next, reviewer);
    };
    const button = element(
      "button",
      { type: "button", class: "more", click: more },
      "Show earlier ones",
    );
    list.append(button);
  } catch (error) {
    alarm(`The history cannot be read: ${messageOf(error)}`);
  }
}

function entryView(proposal: Proposal, reviewer: Reviewer): HTMLElement {
  const { action, status, execution, decline, problem, peer } = proposal;
  const checks = element("div", {});
  const check = (ran: Execution) => () => void showChecks(proposal, ran, checks, reviewer);
  return element(
    "article",
    { class: "card proposal entry", "data-id": proposal.id },
    element(
      "section",
      {},
      element(
        "h3",
        {},
        element("code", {}, shown(action)),
        element(
          "span",
          { class: `status ${status === "succeeded" ? "good" : "bad"}` },
          statusText(status),
        ),
      ),
      facts([
        ["asked by", `uid ${peer.uid}, ${whenText(proposal.proposed_at, systemClock.nowMs())}`],
        ["declined by", decline === undefined ? null : shown(decline.by)],
        ["reason", decline?.reason ? shown(decline.reason) : null],
        ["because", decline === undefined && problem !== undefined && shown(problem.detail)],
      ]),
      execution !== undefined && element(
        "button",
        { type: "button", click: check(execution) },
        "Check its receipt here",
      ),
      checks,
    ),
  );
}

async function showChecks(
  proposal: Proposal,
  execution: Execution,
  place: HTMLElement,
  reviewer: Reviewer,
): Promise<void> {
  try {
    const { receipt, logIndex, checks: found } = await verified(execution, reviewer);
    const checks = [...found, shownCheck(proposal, execution, receipt)];
    place.replaceChildren(
      element(
        "p",
        { role: "status" },
        element("strong", {}, isGenuine(checks) ? "Genuine." : "Not genuine."),
        logIndex === null ? "" : ` Entry ${logIndex} of the log.`,
      ),
      element(
        "ul",
        { class: "checks" },
        ...checks.map(({ name, outcome, detail }) =>
          element(
            "li",
            { "data-outcome": outcome },
            `${name.replaceAll("_", " ")}: `,
            shown(detail),
          )
        ),
      ),
    );
  } catch (error) {
    place.replaceChildren(element("p", { class: "warning", role: "alert" }, messageOf(error)));
  }
}

/** Puts the proof of inclusion beside the answer, and verifies both. */
async function verified(execution: Execution, reviewer: Reviewer): Promise<Verification> {
  const index = execution.log_index;
  if (typeof index !== "number") throw new Error("It has no receipt yet.");
  const { tlog_proof = null } = await reviewer.log(`/receipts/${index}`);
  const file = JSON.stringify({ ...execution, ...(tlog_proof === null ? {} : { tlog_proof }) });
  const { keys = [] } = await reviewer.log("/log/keys");
  const keyReceipts = (Array.isArray(keys) ? keys : []).flatMap((entry) => {
    const { attestation = null } = isJsonObject(entry) ? entry : {};
    return parseReceiptEnvelope(JSON.stringify(attestation)) ?? [];
  });
  const executorId = knownExecutor();
  return verifyReceipt(file, {
    executorKeys: [firstKey(keyReceipts)],
    keyReceipts,
    ...(executorId === null ? {} : { executorId }),
  });
}

/** Checks that the receipt is of what stands above it. Its answer is checked already. */
function shownCheck(
  { id, action, status, peer, proposed_at: proposedAt }: Proposal,
  execution: Execution,
  receipt: Receipt | null,
): Check {
  const isOfThis = receipt?.kind === "execution" && receipt.execution_id === id &&
    receipt.action === action && execution.status === status && receipt.peer.uid === peer.uid &&
    receipt.proposed_at === proposedAt;
  return isOfThis
    ? passed("proposal", "it is of the proposal shown here")
    : failed("proposal", "it is not of the proposal shown here");
}

/** The key that this browser saw first: what entry 0 of the log named then. */
function firstKey([first]: readonly SignedReceipt[]): Uint8Array {
  const known = knownExecutorKey();
  if (known !== undefined) return known;
  const receipt = first === undefined ? undefined : decodeReceipt(first.body);
  const key = receipt?.kind === "key" ? parseReceiptKey(receipt.new_public_key) : undefined;
  if (key === undefined) throw new Error("The executor shows no key to check with.");
  keepExecutorKey(key);
  return key;
}
