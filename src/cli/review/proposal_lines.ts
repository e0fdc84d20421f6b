/**
 * A proposal as a reviewer is shown it: all that would run, in characters that cannot deceive, and
 * what identifies it beside the question.
 *
 * Invariants:
 * - Every text from outside goes through marked(). The agent's words are said to be the agent's.
 * - `body` is shown whole. `beside` is short, and has no text of the agent but the action's name.
 */

import { marked } from "../../core/visible.ts";
import { seatsText } from "../../core/approvers_needed.ts";
import { whenText } from "../../core/span.ts";
import { approversNeeded } from "../../client/proposals/proposal.ts";
import type { JsonObject } from "../../core/types.ts";
import type { ReviewedProposal } from "../../client/proposals/reviewed.ts";
import { payloadLength, shownPayload } from "../../client/shown_payload.ts";
import { labelledLines, numberedLines } from "../terminal/gutter.ts";
import { permissionsText } from "../../core/presentation.ts";

export interface ProposalLines {
  readonly body: readonly string[];
  readonly beside: readonly string[];
}

/** `executorId` is the daemon's, as it is signed. `columns` null: the lines are not wrapped. */
export function proposalLines(
  proposal: ReviewedProposal,
  executorId: string,
  nowMs: number,
  columns: number | null,
): ProposalLines {
  const { asked, digest, handler, peer, reason, proposed_at } = proposal;
  const line = (label: string, value: string) => labelledLines(label, marked(value), columns);
  const payload = payloadLines(asked.payload, columns);
  const similar = similarTexts(proposal, nowMs);
  const reaches = line("reaches", permissionsText(handler.permissions));
  return {
    body: [
      ...(reason === undefined ? [] : line("reason", `${quoted(reason)} (the agent's words)`)),
      ...payload.lines,
      ...(reaches.length > BESIDE_MAX ? reaches : []),
      ...(handler.secrets.length === 0 ? [] : line("secrets", handler.secrets.join(", "))),
      ...line("nonce", asked.nonce),
      ...line("id", proposal.id),
      ...similar.slice(1).flatMap((text) => line("similar", text)),
    ],
    beside: [
      ...line("action", `${asked.action}, ${payload.length}`),
      ...line("digest", digest),
      ...line("handler", handler.digest),
      ...(reaches.length > BESIDE_MAX
        ? line("reaches", "more than fits here: see above")
        : reaches),
      ...line("for", executorId),
      ...line(
        "asked",
        `by uid ${peer.uid} (pid ${peer.pid} then), ${whenText(proposed_at, nowMs)}`,
      ),
      ...similar.slice(0, 1).flatMap((text) => line("similar", text)),
      ...line("signed", signedText(proposal)),
      ...line("expires", whenText(proposal.expires_at, nowMs)),
    ],
  };
}

interface PayloadLines {
  readonly columns: number | null;
  readonly lines: readonly string[];
  readonly length: string;
}

/** The last layout of each payload: a screen is drawn each second, and at each key. */
const laidOut = new WeakMap<JsonObject, PayloadLines>();

function payloadLines(payload: JsonObject, columns: number | null): PayloadLines {
  const known = laidOut.get(payload);
  if (known?.columns === columns) return known;
  const shown = shownPayload(payload);
  const ascii = shown.ascii === null ? [] : labelledLines("ASCII", shown.ascii, columns);
  const lines = [...numberedLines(shown.lines, columns), ...ascii];
  const made = { columns, lines, length: payloadLength(shown) };
  laidOut.set(payload, made);
  return made;
}

function isWaiting(status: string): boolean {
  return status === "pending" || status === "approved";
}

function quoted(text: string): string {
  return `"${text}"`;
}

/** Who signed which body: signatures of different bodies do not add up. */
function signedText(proposal: ReviewedProposal): string {
  const { given, needed, require: strength = "any" } = proposal.approvals;
  const names = given.map(({ name, keyid, kind }) => `${name} (${keyid}, ${kind})`);
  return [
    `${given.length} of ${approversNeeded(proposal)}`,
    typeof needed === "number" ? "" : ` (${seatsText(needed)})`,
    strength === "any" ? "" : ` with keys of require = "${strength}"`,
    names.length === 0 ? "" : `: ${names.join(", ")}`,
  ].join("");
}

/** Lines of one value that may stand beside the question. */
const BESIDE_MAX = 2;

/** The newest ones; more would hide them. */
const SIMILAR_MAX = 5;

/**
 * Says what became of the same action and payload within the last day. Those that ended come first:
 * one that ran already is what an approver has to know.
 */
function similarTexts({ similar }: ReviewedProposal, nowMs: number): string[] {
  const ended = similar.filter(({ status }) => !isWaiting(status));
  const ordered = [...ended, ...similar.filter(({ status }) => isWaiting(status))];
  const texts = ordered.slice(0, SIMILAR_MAX).map(({ status, at, uid }) =>
    `the same payload, of uid ${uid}, ${whenText(at, nowMs)}: ${status.replaceAll("_", " ")}`
  );
  const more = similar.length - SIMILAR_MAX;
  return more > 0 ? [...texts, `and ${more} more within a day`] : texts;
}
