/**
 * One proposal, whole: what would run, who asks, what it may reach, and the question.
 *
 * Invariants:
 * - Everything that is signed stands here, every suspicious character marked.
 * - Approve works only after the end was in view, and the question never leaves the screen.
 */

import { systemClock } from "../core/clock.ts";
import type { Proposal } from "../client/proposals/proposal.ts";
import type { ReviewedProposal, SimilarProposal } from "../client/proposals/reviewed.ts";
import { payloadLength, shownPayload } from "../client/shown_payload.ts";
import { permissionsText } from "../core/presentation.ts";
import { isOver } from "../core/proposal.ts";
import { seatCount, seatsText } from "../core/approvers_needed.ts";
import { element, facts } from "./dom.ts";
import { type QuestionParts, questionView } from "./question.ts";
import {
  asciiWords,
  hasMarks,
  highlighted,
  shown,
  shownWords,
  statusText,
  whenText,
} from "./text.ts";

/** Returns the card of a proposal that waits, or did while it was read. */
export function proposalView(
  parts: Omit<QuestionParts, "end">,
  executorId: string,
): HTMLElement {
  const { proposal } = parts;
  const end = element("div", { class: "end" });
  return card(
    proposal.id,
    headView(proposal, executorId),
    reasonView(proposal),
    payloadView(proposal),
    handlerView(proposal),
    similarView(proposal.similar),
    peopleView(proposal),
    end,
    isOver(proposal.status) ? outcomeView(proposal) : questionView({ ...parts, end }),
  );
}

/** Returns the card of a proposal whose payload is gone, or of which the daemon shows no more. */
export function endedView(proposal: Proposal, executorId: string): HTMLElement {
  return card(
    proposal.id,
    headView(proposal, executorId),
    reasonView(proposal),
    peopleView(proposal),
    outcomeView(proposal),
  );
}

/** Returns the card of a proposal that this browser cannot draw. */
export function unshownView(proposal: Proposal, executorId: string): HTMLElement {
  return card(
    proposal.id,
    headView(proposal, executorId),
    element(
      "section",
      { role: "alert" },
      element("h3", {}, "Not shown"),
      "This browser cannot show all of it, so it is not decided here. Use `openexec review`.",
    ),
  );
}

function card(id: string, ...parts: readonly (HTMLElement | null)[]): HTMLElement {
  const attributes = { class: "card proposal", "data-id": id, "aria-labelledby": "title" };
  return element("article", attributes, ...parts);
}

function headView(proposal: Proposal, executorId: string): HTMLElement {
  const nowMs = systemClock.nowMs();
  return element(
    "header",
    {},
    element("a", { class: "back", href: "#/waiting" }, "← All that waits"),
    element("h2", { id: "title" }, shown(proposal.action)),
    facts([
      ["runs on", element("code", {}, shown(executorId))],
      ["asked by", `uid ${proposal.peer.uid}, process ${proposal.peer.pid}`],
      ["asked", whenText(proposal.proposed_at, nowMs)],
      ["waits until", !isOver(proposal.status) && untilText(proposal.expires_at, nowMs)],
      ["nonce", element("code", {}, shown(proposal.nonce))],
    ]),
  );
}

function reasonView({ reason }: Proposal): HTMLElement | null {
  if (reason === undefined || reason === "") return null;
  return element(
    "section",
    {},
    element("h3", {}, "The agent says", element("span", {}, "its own words; nobody checked them")),
    element("blockquote", { class: "said" }, shownWords(reason)),
    asciiView(asciiWords(reason)),
  );
}

function payloadView({ asked, digest }: ReviewedProposal): HTMLElement {
  const payload = shownPayload(asked.payload);
  const { lines, ascii } = payload;
  const length = payloadLength(payload);
  return element(
    "section",
    {},
    element("h3", {}, "Payload", element("span", {}, length)),
    element(
      "pre",
      { class: "payload", tabindex: "0", "aria-label": `Payload, ${length}` },
      ...blocksOf(lines),
    ),
    lines.some(hasMarks) && element(
      "p",
      { class: "warning" },
      "Marked characters are not what they seem: hidden, reordering, or of another script.",
    ),
    asciiView(ascii === null ? null : highlighted(ascii)),
    facts([["digest", element("code", {}, digest)]]),
  );
}

/** Lines in one block: the browser lays out the blocks that are in view. */
const BLOCK_LINES = 200;

function blocksOf(lines: readonly string[]): HTMLElement[] {
  const blocks: HTMLElement[] = [];
  for (let from = 0; from < lines.length; from += BLOCK_LINES) {
    const block = lines.slice(from, from + BLOCK_LINES).map((line, at) =>
      element("code", { class: "line", "data-number": String(from + at + 1) }, highlighted(line))
    );
    blocks.push(element("span", { class: "block" }, ...block));
  }
  return blocks;
}

function asciiView(text: DocumentFragment | null): HTMLElement | null {
  return text === null
    ? null
    : element("p", { class: "ascii" }, "In ASCII: ", element("code", {}, text));
}

function handlerView({ handler }: ReviewedProposal): HTMLElement {
  return element(
    "section",
    {},
    element("h3", {}, "Handler"),
    facts([
      ["code", element("code", {}, handler.digest)],
      ["may reach", element("code", {}, shown(permissionsText(handler.permissions)))],
      ["gets secrets", handler.secrets.length > 0 && shown(handler.secrets.join(", "))],
    ]),
  );
}

function similarView(similar: readonly SimilarProposal[]): HTMLElement | null {
  if (similar.length === 0) return null;
  const nowMs = systemClock.nowMs();
  return element(
    "section",
    {},
    element("h3", {}, "The same, in the last day", element("span", {}, String(similar.length))),
    element(
      "ul",
      { class: "similar" },
      ...similar.slice(0, 10).map(({ at, status }) =>
        element("li", {}, `${statusText(status)}, ${whenText(at, nowMs)}`)
      ),
    ),
  );
}

function peopleView({ approvals, status }: Proposal): HTMLElement | null {
  const { needed, given } = approvals;
  const open = isOver(status) ? 0 : Math.max(0, seatCount(needed) - given.length);
  if (given.length + open === 0) return null;
  return element(
    "section",
    {},
    element("h3", {}, "Approvals", element("span", {}, `${seatsText(needed)} needed`)),
    element(
      "ul",
      { class: "people" },
      ...given.map(({ name, kind }) => element("li", {}, shown(name), ` (${kind})`)),
      ...Array.from({ length: open }, () => element("li", { class: "open" }, "open")),
    ),
  );
}

function outcomeView({ status, problem, decline, execution }: Proposal): HTMLElement {
  const reason = typeof decline?.reason === "string" ? decline.reason : "";
  return element(
    "section",
    { role: "status" },
    element("h3", {}, "Over"),
    facts([
      ["ended as", statusText(status)],
      ["declined by", decline === undefined ? null : shown(decline.by)],
      ["reason", reason === "" ? null : shown(reason)],
      [
        "because",
        decline === undefined && problem !== undefined &&
        shown(`${problem.detail} (${problem.code})`),
      ],
      ["receipt", execution === undefined ? null : "in the history"],
    ]),
  );
}

function untilText(time: string, nowMs: number): string {
  return `${time.replace("T", " ").replace(/\.\d+Z$/, "Z")}, ${whenText(time, nowMs)}`;
}
