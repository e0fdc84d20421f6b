/** The question below a proposal: approve it, with all equal ones if there are any, or decline. */

import type { Proposal } from "../client/proposals/proposal.ts";
import type { ReviewedProposal } from "../client/proposals/reviewed.ts";
import { REASON_LENGTH_MAX } from "../core/limits.ts";
import { sleep } from "../core/wait.ts";
import { element } from "./dom.ts";
import type { Identity } from "./identity.ts";
import { shown, spanText } from "./text.ts";

export interface QuestionParts {
  readonly proposal: ReviewedProposal;
  readonly identity: Identity | null;
  /** Proposals that were read to their end before, and need not be read again. */
  readonly read: Set<string>;
  /** Has to be in view, above the question, before it can be answered with yes. */
  readonly end: HTMLElement;
  /** Approves the proposal that was shown, and others only where they are equal to it. */
  readonly approve: (ttlSeconds: number, equals: readonly Proposal[]) => Promise<void>;
  readonly decline: (reason: string) => Promise<void>;
}

/** Buttons that were just drawn, or say something new, are not pressed by mistake. */
const PAUSE_MS = 700;

/** Seconds that an approval is valid for, from the answer on. */
const TTLS = [60, 300, 900, 3600];
const TTL_DEFAULT = 300;

const EQUALS = "equals";

/** Tells the question below a proposal of others that ask for the very same. */
export function tellEquals(card: Element, equals: readonly Proposal[]): void {
  card.querySelector(".question")?.dispatchEvent(new CustomEvent(EQUALS, { detail: equals }));
}

/** Tells whether somebody is writing the reason of a decline. */
export function isBeingDeclined(card: Element): boolean {
  return card.querySelector("form.decline") !== null;
}

export function questionView(parts: QuestionParts): HTMLElement {
  const place = element("section", { class: "question", "aria-label": "Decision" });
  if (parts.identity === null) {
    place.append(element(
      "p",
      {},
      "To decide here, ",
      element("a", { href: "#/passkey" }, "say who you are and enrol a passkey"),
      ".",
    ));
    return place;
  }
  place.replaceChildren(...choice(parts, parts.identity, place));
  return place;
}

function choice(parts: QuestionParts, who: Identity, place: HTMLElement): HTMLElement[] {
  const { proposal } = parts;
  const deciding = `You decide as ${who.name}.`;
  const ttl = ttlSelect(proposal.approvals.max_ttl_seconds);
  const hint = element("span", { class: "hint" }, "Read to the end to approve.");
  const approveOne = element("button", { type: "button", class: "go", disabled: true }, "Approve");
  const approveAll = element("button", { type: "button", class: "go all none", disabled: true });
  const decline = element("button", { type: "button", class: "stop" }, "Decline…");
  let equals: readonly Proposal[] = [];
  const disable = (disabled: boolean) => {
    approveOne.disabled = decline.disabled = disabled;
    approveAll.disabled = disabled || equals.length === 0;
  };
  const whileBusy = async (act: () => Promise<void>) => {
    disable(true);
    hint.textContent = "Your device asks for the passkey.";
    await act().finally(() => {
      disable(false);
      hint.textContent = deciding;
    });
  };
  const approve = (others: readonly Proposal[]) =>
    void whileBusy(() => parts.approve(Number(ttl.value), others));
  place.addEventListener(EQUALS, (event) => {
    if (!(event instanceof CustomEvent)) return;
    equals = event.detail;
    approveAll.textContent = `Approve all ${equals.length + 1}`;
    approveAll.classList.toggle("none", equals.length === 0);
    approveAll.disabled = true;
    void sleep(PAUSE_MS).then(() => {
      approveAll.disabled = approveOne.disabled || equals.length === 0;
    });
  });
  approveOne.addEventListener("click", () => approve([]));
  approveAll.addEventListener("click", () => approve(equals));
  decline.addEventListener("click", () => {
    const shown = [...place.childNodes];
    place.replaceChildren(declineForm(parts, () => place.replaceChildren(...shown)));
    place.querySelector("textarea")?.focus();
  });
  const essence = `${proposal.id} ${proposal.digest} ${proposal.handler.digest}`;
  const isRead = parts.read.has(essence) ? Promise.resolve() : whenInView(parts.end, place);
  void isRead.then(() => sleep(PAUSE_MS)).then(() => {
    parts.read.add(essence);
    disable(false);
    hint.textContent = deciding;
  });
  return [
    element(
      "p",
      {},
      "Run ",
      element("strong", {}, shown(proposal.action)),
      " with the payload above (",
      element("code", {}, shortDigest(proposal)),
      ")?",
    ),
    element(
      "div",
      { class: "buttons" },
      approveOne,
      decline,
      element("label", {}, "good for", ttl),
      hint,
      approveAll,
    ),
  ];
}

/** Resolves when `end` is on the screen, above `place`, which sticks to the lower edge. */
function whenInView(end: HTMLElement, place: HTMLElement): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watch = new AbortController();
  const look = () => {
    const { top } = end.getBoundingClientRect();
    if (!end.isConnected || document.visibilityState !== "visible") return;
    if (top < 0 || top > place.getBoundingClientRect().top + 1) return;
    watch.abort();
    resolve();
  };
  addEventListener("scroll", look, { passive: true, signal: watch.signal });
  addEventListener("resize", look, { passive: true, signal: watch.signal });
  document.addEventListener("visibilitychange", look, { signal: watch.signal });
  // content above may shrink until all fits, and then nothing scrolls
  const layout = new ResizeObserver(look);
  watch.signal.addEventListener("abort", () => layout.disconnect());
  requestAnimationFrame(() => {
    look();
    if (!watch.signal.aborted) layout.observe(document.body);
    // a listener of a proposal that is no longer shown is of no use
    const gone = new MutationObserver(() => {
      if (end.isConnected) return;
      watch.abort();
      gone.disconnect();
    });
    gone.observe(document.body, { childList: true, subtree: true });
  });
  return promise;
}

function shortDigest({ digest }: ReviewedProposal): string {
  return `${digest.slice(0, "sha256:".length + 12)}…`;
}

function ttlSelect(longestSeconds: number): HTMLSelectElement {
  const offered = TTLS.filter((seconds) => seconds <= longestSeconds);
  const seconds = offered.length === 0 ? [longestSeconds] : offered;
  const chosen = Math.min(TTL_DEFAULT, Math.max(...seconds));
  return element(
    "select",
    { name: "ttl" },
    ...seconds.map((value) =>
      element("option", { value: String(value), selected: value === chosen }, spanText(value))
    ),
  );
}

function declineForm(parts: QuestionParts, back: () => void): HTMLElement {
  const reason = element("textarea", {
    name: "reason",
    maxlength: String(REASON_LENGTH_MAX),
    placeholder: "What should the agent know?",
  });
  const send = element("button", { type: "submit", class: "stop sure" }, "Decline");
  const submit = (event: Event) => {
    event.preventDefault();
    send.disabled = true;
    void parts.decline(reason.value).finally(() => send.disabled = false);
  };
  return element(
    "form",
    { class: "decline", submit },
    element("label", {}, "Reason, signed and told to the agent", reason),
    element(
      "div",
      { class: "buttons" },
      send,
      element("button", { type: "button", click: back }, "Back"),
    ),
  );
}
