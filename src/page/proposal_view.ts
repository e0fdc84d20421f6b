/**
 * One proposal, whole: what would run, who asks, what it may reach, and the question.
 *
 * Invariants:
 * - Everything that is signed stands here, every suspicious character marked.
 * - Approve works only after the end was in view, and the question never leaves the screen.
 */

import { systemClock } from "../core/clock.ts";
import { actionDigest } from "../client/request.ts";
import { payloadLength, shownPayload } from "../client/shown_payload.ts";
import { isOver } from "../core/proposal.ts";
import type { Executor } from "./decide.ts";
import { element, facts } from "./dom.ts";
import { type Proposal, requestOf } from "./proposal.ts";
import { type QuestionParts, questionView } from "./question.ts";
import { highlighted, shown, statusText, whenText } from "./text.ts";

export interface ProposalParts extends Omit<QuestionParts, "end"> {
  readonly proposal: Proposal;
  readonly executor: Executor;
}

/** Returns the card of a proposal. */
export function proposalView(parts: ProposalParts): HTMLElement {
  const { proposal } = parts;
  const end = element("div", { class: "end" });
  const known = whatRuns(proposal);
  const question = isOver(proposal.status) || known === null
    ? outcomeView(proposal)
    : questionView({ ...parts, end });
  return element(
    "article",
    { class: "card proposal", "aria-labelledby": "title" },
    headView(parts),
    reasonView(proposal),
    known ?? unknownView(),
    handlerView(proposal),
    similarView(proposal),
    peopleView(proposal),
    end,
    question,
  );
}

function headView({ proposal, executor }: ProposalParts): HTMLElement {
  const nowMs = systemClock.nowMs();
  return element(
    "header",
    {},
    element("a", { class: "back", href: "#/waiting" }, "← All that waits"),
    element("h2", { id: "title" }, shown(proposal.action)),
    facts([
      ["runs on", element("code", {}, shown(executor.aud))],
      ["asked by", `uid ${proposal.peer.uid}, process ${proposal.peer.pid}`],
      ["asked", whenText(proposal.proposed_at, nowMs)],
      ["waits until", `${timeText(proposal.expires_at)}, ${whenText(proposal.expires_at, nowMs)}`],
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
    element("blockquote", { class: "said" }, shown(reason)),
  );
}

function whatRuns(proposal: Proposal): HTMLElement | null {
  try {
    return payloadView(proposal);
  } catch {
    return null;
  }
}

function payloadView(proposal: Proposal): HTMLElement {
  const request = requestOf(proposal);
  const payload = shownPayload(request.payload);
  const { lines, ascii } = payload;
  const length = payloadLength(payload);
  const digest = actionDigest(request);
  const hasOdd = lines.some((line) => line.includes("\\u"));
  return element(
    "section",
    {},
    element("h3", {}, "Payload", element("span", {}, length)),
    element(
      "pre",
      { class: "payload", tabindex: "0", "aria-label": `Payload, ${length}` },
      ...lines.map((line) => element("code", { class: "line" }, highlighted(line))),
    ),
    hasOdd && element(
      "p",
      { class: "warning" },
      "Marked characters are not what they seem: hidden, reordering, or of another script.",
    ),
    ascii !== null && element(
      "p",
      {},
      element("span", {}, "In ASCII: "),
      element("code", {}, highlighted(ascii)),
    ),
    facts([["digest", element("code", {}, digest)]]),
    digest !== proposal.request?.action_digest && element(
      "p",
      { class: "warning", role: "alert" },
      "The daemon names another digest. What is signed is the one above, computed here.",
    ),
  );
}

function unknownView(): HTMLElement {
  return element("section", {}, "The payload was destroyed by retention, or cannot be read.");
}

function handlerView({ handler }: Proposal): HTMLElement | null {
  if (handler === undefined) return null;
  return element(
    "section",
    {},
    element("h3", {}, "Handler"),
    facts([
      ["code", element("code", {}, handler.digest)],
      ["may reach", permissionsText(handler.permissions)],
    ]),
  );
}

function permissionsText(permissions: Readonly<Record<string, unknown>>): Node {
  const granted = Object.entries(permissions).flatMap(([name, value]) => {
    const list = Array.isArray(value) ? value.map(String) : value === true ? ["anything"] : [];
    return list.length === 0 ? [] : [`${name}: ${list.join(", ")}`];
  });
  return granted.length === 0
    ? document.createTextNode("nothing: no file, network, program or environment")
    : element("code", {}, shown(granted.join("; ")));
}

function similarView({ similar = [] }: Proposal): HTMLElement | null {
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

function peopleView({ approvals }: Proposal): HTMLElement {
  const { needed, given } = approvals;
  const seats = seatsOf(needed);
  const open = Math.max(0, seats.count - given.length);
  return element(
    "section",
    {},
    element("h3", {}, "Approvals", element("span", {}, seats.text)),
    element(
      "ul",
      { class: "people" },
      ...given.map(({ name, kind }) => element("li", {}, shown(name), ` (${kind})`)),
      ...Array.from({ length: open }, () => element("li", { class: "open" }, "open")),
    ),
  );
}

/** `needed` is a number, or a number of seats for each group. */
function seatsOf(needed: unknown): { count: number; text: string } {
  if (typeof needed === "number") return { count: needed, text: `${needed} needed` };
  const groups = typeof needed === "object" && needed !== null ? Object.entries(needed) : [];
  const counts = groups.map(([, count]) => Number(count));
  return {
    count: counts.reduce((sum, count) => sum + count, 0),
    text: groups.map(([group, count]) => `${count} of ${group}`).join(", "),
  };
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
      ["because", problem === undefined ? null : shown(`${problem.detail} (${problem.code})`)],
      ["receipt", execution === undefined ? null : "in the history"],
    ]),
  );
}

function timeText(time: string): string {
  return time.replace("T", " ").replace(/\.\d+Z$/, "Z");
}
