/**
 * The reviewer's screen, from what it is to show.
 *
 * Invariants:
 * - Below the rule stands what identifies the proposal, whatever is above it.
 * - Every line fits the terminal, and begins with our own text.
 */

import { marked } from "../../core/visible.ts";
import { whenText } from "../../core/span.ts";
import type { Proposal } from "../../client/proposals/proposal.ts";
import type { ScreenLine, Size } from "../terminal/screen.ts";
import { proposalLines } from "./proposal_lines.ts";
import type { Group, Item } from "./waiting.ts";

/** The last line: a question, a reason that is being typed, or something that happened. */
export interface Shown {
  readonly title: string;
  readonly message: string;
  readonly nowMs: number;
}

export interface ItemView {
  readonly lines: readonly ScreenLine[];
  /** The first line of the body that is shown, corrected to what there is. */
  readonly top: number;
  /** Lines of the body that fit. */
  readonly height: number;
  readonly isEndShown: boolean;
}

/** Lays out the list of what waits. `selected` is a place in `groups`. */
export function listLines(
  groups: readonly Group[],
  selected: number,
  { title, message, nowMs }: Shown,
  size: Size,
): ScreenLine[] {
  const height = Math.max(1, size.rows - 5);
  const from = Math.max(0, Math.min(selected - height + 1, groups.length - height));
  const hasSeveral = new Set(groups.map(([{ socket }]) => socket)).size > 1;
  const rows = groups.slice(from, from + height).map((group, at) => ({
    text: `${from + at === selected ? ">" : " "} ${groupText(group, nowMs, hasSeveral)}`,
    strong: from + at === selected,
  }));
  return [
    { text: title, strong: true },
    { text: `  ${listRow("ACTION", "ASKED BY", "EXPIRES", hasSeveral ? "EXECUTOR" : "")}` },
    ...filled(groups.length === 0 ? EMPTY : rows, height),
    rule(size),
    { text: groups.length === 0 ? "q quit" : "Enter open   Up Down choose   q quit" },
    { text: message },
  ];
}

/** Lays out one proposal, and the ones like it. */
export function itemView(
  item: Item,
  alike: number,
  top: number,
  { title, message, nowMs }: Shown,
  size: Size,
): ItemView {
  const { body, beside } = linesOf(item, nowMs, size.columns);
  const height = Math.max(3, size.rows - beside.length - 5);
  const first = Math.max(0, Math.min(top, body.length - height));
  const last = Math.min(body.length, first + height);
  return {
    lines: [
      { text: title, strong: true },
      rule(size),
      ...filled(body.slice(first, last).map((text) => ({ text })), height),
      rule(size, positionText(first, last, body.length)),
      ...beside.map((text, at) => ({ text, strong: at === 0 })),
      { text: keysText(item, alike) },
      { text: message },
    ],
    top: first,
    height,
    isEndShown: last >= body.length,
  };
}

/** Says how a proposal ended, or that it runs. */
export function endText({ status, decline, problem, execution }: Proposal): string {
  if (decline !== undefined) {
    const reason = decline.reason ? `: "${marked(decline.reason)}"` : "";
    return `declined by ${marked(decline.by)}${reason}`;
  }
  const code = problem === undefined ? "" : ` (${problem.code})`;
  const receipt = execution?.log_index ?? null;
  return `${status.replaceAll("_", " ")}${code}${receipt === null ? "" : `, receipt ${receipt}`}`;
}

function linesOf({ socket, proposal, trouble }: Item, nowMs: number, columns: number) {
  return proposal === null
    ? { body: [trouble ?? ""], beside: [] }
    : proposalLines(proposal, socket.executorId, nowMs, columns);
}

function groupText(
  [{ socket, id, proposal }, ...others]: Group,
  nowMs: number,
  namesExecutor: boolean,
): string {
  if (proposal === null) return `${id} cannot be shown`;
  const { action, peer, proposed_at, expires_at, approvals } = proposal;
  const signed = approvals.given.length === 0 ? "" : `, ${approvals.given.length} signed`;
  return listRow(
    `${marked(action)}${others.length === 0 ? "" : ` x${others.length + 1}`}`,
    `uid ${peer.uid}, ${whenText(proposed_at, nowMs)}${signed}`,
    whenText(expires_at, nowMs),
    namesExecutor ? socket.executorId : "",
  );
}

function listRow(action: string, asked: string, expires: string, executor: string): string {
  return `${action.padEnd(20)} ${asked.padEnd(26)} ${expires.padEnd(10)} ${executor}`.trimEnd();
}

function keysText({ end }: Item, alike: number): string {
  if (end !== null) return "Enter next   b list   q quit";
  const all = alike > 1 ? `   A D all ${alike} alike` : "";
  return `a approve   d decline${all}   s skip   Space more   b list   q quit`;
}

function positionText(first: number, last: number, length: number): string {
  const all = first === 0 && last === length;
  const lines = `line${length === 1 ? "" : "s"}`;
  return all ? `all ${length} ${lines}` : `lines ${first + 1} to ${last} of ${length}`;
}

function rule({ columns }: Size, text = ""): ScreenLine {
  const label = text === "" ? "" : `-- ${text} `;
  return { text: label.padEnd(columns - 1, "-") };
}

const EMPTY = [{ text: "" }, { text: "  Nothing waits. Proposals appear here as they come." }];

function filled(lines: readonly ScreenLine[], height: number): ScreenLine[] {
  return Array.from({ length: height }, (_, at) => lines[at] ?? { text: "" });
}
