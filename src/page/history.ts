/**
 * The proposals that ended, with receipts that this browser checks itself, by the SDK's verifier.
 *
 * Invariant: the executor's key is the one that this browser saw first, or the person gave. A key
 * that changes is told, not believed.
 */

import { systemClock } from "../core/clock.ts";
import { isJsonObject } from "../client/json.ts";
import { formatPublicKey, parsePublicKey } from "../core/public_key.ts";
import { decodeReceipt } from "../log/receipt.ts";
import { parseReceiptKey } from "../log/keyid.ts";
import { parseReceiptEnvelope } from "../log/receipt_file.ts";
import { verifyReceipt } from "../log/verify_receipt.ts";
import type { Verification } from "../log/verification.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { get } from "./api.ts";
import { alarm, element, facts } from "./dom.ts";
import { type Proposal, proposalsOf } from "./proposal.ts";
import { shown, statusText, whenText } from "./text.ts";

const KEY = "openexec.executor_key";

/** Returns the view; it fills itself. */
export function historyView(): HTMLElement {
  const list = element("div", {});
  const view = element("div", {}, element("h2", { class: "unseen" }, "History"), list);
  void fill(list, null);
  return view;
}

async function fill(list: HTMLElement, cursor: string | null): Promise<void> {
  try {
    const from = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const { proposals, next } = proposalsOf(await get(`/proposals?status=over${from}`));
    list.append(...proposals.map(entryView));
    if (cursor === null && proposals.length === 0) {
      list.append(element("p", { class: "empty" }, "Nothing has ended yet."));
    }
    if (next === null) return;
    const more = element("button", {
      type: "button",
      class: "more",
      click: () => {
        more.remove();
        void fill(list, next);
      },
    }, "Show earlier ones");
    list.append(more);
  } catch (error) {
    alarm(`The history cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function entryView(proposal: Proposal): HTMLElement {
  const { action, status, execution, decline, problem, peer } = proposal;
  const isGood = status === "succeeded";
  const checks = element("div", {});
  const reason = typeof decline?.reason === "string" ? decline.reason : "";
  return element(
    "article",
    { class: "card proposal entry" },
    element(
      "section",
      {},
      element(
        "h3",
        {},
        element("code", {}, shown(action)),
        element("span", { class: `status ${isGood ? "good" : "bad"}` }, statusText(status)),
      ),
      facts([
        ["asked by", `uid ${peer.uid}, ${whenText(proposal.proposed_at, systemClock.nowMs())}`],
        ["declined by", decline === undefined ? null : shown(decline.by)],
        ["reason", reason === "" ? null : shown(reason)],
        ["because", problem === undefined ? null : shown(problem.detail)],
      ]),
      execution !== undefined && element("button", {
        type: "button",
        click: () => void check(execution, checks),
      }, "Check its receipt here"),
      checks,
    ),
  );
}

async function check(execution: JsonObject, place: HTMLElement): Promise<void> {
  try {
    const report = await verified(execution);
    place.replaceChildren(
      element(
        "p",
        { role: "status" },
        element("strong", {}, report.ok ? "Genuine." : "Not genuine."),
        report.logIndex === null ? "" : ` Entry ${report.logIndex} of the log.`,
      ),
      element(
        "ul",
        { class: "checks" },
        ...report.checks.map(({ name, outcome, detail }) =>
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
    const said = error instanceof Error ? error.message : String(error);
    place.replaceChildren(element("p", { class: "warning", role: "alert" }, said));
  }
}

/** Puts the proof of inclusion beside the answer, and verifies both. */
async function verified(execution: JsonObject): Promise<Verification> {
  const index = execution["log_index"];
  if (typeof index !== "number") throw new Error("It has no receipt yet.");
  const logged = await get(`/receipts/${index}`);
  const proof = isJsonObject(logged) ? logged["tlog_proof"] : undefined;
  const file = JSON.stringify({
    ...execution,
    ...(proof === undefined ? {} : { tlog_proof: proof }),
  });
  return verifyReceipt(file, { executorKeys: [await executorKey()] });
}

/** The first receipt of a log names the key that it begins with. */
async function executorKey(): Promise<Uint8Array> {
  const shownKey = keyOf(await get("/receipts/0"));
  const known = parsePublicKey(localStorage.getItem(KEY) ?? "");
  if (known !== undefined) return known;
  if (shownKey === undefined) throw new Error("The executor shows no key to check with.");
  localStorage.setItem(KEY, formatPublicKey(shownKey));
  return shownKey;
}

function keyOf(answer: Json): Uint8Array | undefined {
  const attestation = isJsonObject(answer) ? answer["attestation"] : undefined;
  const signed = parseReceiptEnvelope(JSON.stringify(attestation ?? null));
  const receipt = signed === undefined ? undefined : decodeReceipt(signed.body);
  return receipt?.kind === "key" ? parseReceiptKey(receipt.new_public_key) : undefined;
}
