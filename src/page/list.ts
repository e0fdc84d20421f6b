/** The list of what waits: one line each, equal ones as one with their number. */

import type { Proposal } from "../client/proposals/proposal.ts";
import { canonicalJson } from "../core/json/canonical_json.ts";
import { systemClock } from "../core/clock.ts";
import { element } from "./dom.ts";
import { shown, statusText, whenText } from "./text.ts";

/** Returns proposals in groups of equal ones: the same uid asks for the same action and payload. */
export function grouped(proposals: readonly Proposal[]): readonly (readonly Proposal[])[] {
  const groups = Map.groupBy(
    proposals,
    ({ action, payload, peer }) => canonicalJson([action, payload, peer.uid]),
  );
  return [...groups.values()];
}

export function listView(
  groups: readonly (readonly Proposal[])[],
  selected: string | null,
): HTMLElement {
  const nowMs = systemClock.nowMs();
  return element(
    "ul",
    { class: "list", "aria-label": "Waiting proposals" },
    ...groups.flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const isCurrent = group.some(({ id }) => id === selected);
      const number = group.length > 1 && element("span", { class: "count" }, `× ${group.length}`);
      const given = first.approvals.given.length;
      return [element(
        "li",
        {},
        element(
          "a",
          { href: `#/waiting/${first.id}`, "aria-current": isCurrent ? "true" : "false" },
          element("span", { class: "name" }, element("span", {}, shown(first.action)), number),
          element(
            "span",
            { class: "about" },
            `uid ${first.peer.uid}, ${whenText(first.proposed_at, nowMs)}`,
            first.status === "pending" ? "" : ` · ${statusText(first.status)}`,
            given === 0 ? "" : ` · ${given} signed`,
          ),
        ),
      )];
    }),
  );
}

export function nothingWaits(): HTMLElement {
  return element(
    "div",
    { class: "empty" },
    element("strong", {}, "Nothing waits for you."),
    "Proposals appear here as agents make them.",
  );
}
