/**
 * The review page: what waits, live, one proposal at a time, and the person's answer to it.
 *
 * It is served as static files, under a policy that lets it load nothing else (server/page.ts).
 * The address says what is shown: #/waiting, #/waiting/ID, #/history, #/passkey.
 */

import { OpenExecError, OpenExecUnreachable } from "../client/errors.ts";
import type { Proposal } from "../client/proposals/proposal.ts";
import { ContradictoryProposal, type ReviewedProposal } from "../client/proposals/reviewed.ts";
import { OtherExecutor } from "../client/proposals/reviewer.ts";
import { messageOf } from "../core/caught.ts";
import { openLink, reviewerOf } from "./daemon.ts";
import { alarm, announce, byId, element } from "./dom.ts";
import { historyView } from "./history.ts";
import { identity, keepExecutor, knownExecutor } from "./identity.ts";
import { grouped, listView, nothingWaits } from "./list.ts";
import { passkeySigner } from "./passkey.ts";
import { passkeyView } from "./passkey_view.ts";
import { endedView, proposalView, unshownView } from "./proposal_view.ts";
import { isBeingDeclined, tellEquals } from "./question.ts";

let reviewer = reviewerOf(knownExecutor());
let executorId = "";
let waiting: readonly Proposal[] = [];
/** Proposals that were read to their end: drawn anew, they need not be read again. */
const read = new Set<string>();
/** The proposal on the screen, and what of it would make it another one to read. */
let onScreen: { readonly id: string; readonly fingerprint: string } | null = null;

async function start(): Promise<void> {
  const link = /^#link=([\w-]+)$/.exec(location.hash)?.[1];
  if (link !== undefined) {
    history.replaceState(null, "", `${location.pathname}#/waiting`);
    await openLink(link);
  }
  await meet();
}

/** Begins with the executor that answers, unless it is another than this person knows. */
async function meet(): Promise<void> {
  try {
    executorId = (await reviewer.describe()).executor_id;
  } catch (error) {
    if (error instanceof OtherExecutor) return warnOfOther(error);
    throw error;
  }
  keepExecutor(executorId);
  byId("audience").textContent = executorId;
  addEventListener("hashchange", () => void show().catch(complain));
  await refresh();
  const whileOpen = new AbortController();
  addEventListener("pagehide", () => whileOpen.abort(), { once: true });
  for await (const event of reviewer.events(whileOpen.signal)) {
    if (event === "lost") showState("lost");
    else {
      showState("live");
      void refresh();
    }
  }
}

/** Another executor than the one this person knows: nothing is shown until they say so. */
function warnOfOther({ expected, found }: OtherExecutor): void {
  const accept = () => {
    keepExecutor(found);
    reviewer = reviewerOf(found);
    byId("main").replaceChildren();
    void meet().catch(complain);
  };
  byId("main").replaceChildren(element(
    "div",
    { class: "alert", role: "alert" },
    element(
      "p",
      {},
      `This address was executor ${expected} before, and is ${found} now. Approve nothing unless ` +
        "you know why.",
    ),
    element("button", { type: "button", click: accept }, "I know why: use this one"),
  ));
}

function showState(state: "live" | "lost"): void {
  const live = byId("live");
  live.dataset["state"] = state;
  live.textContent = state === "live" ? "live" : "not connected";
}

let refreshing: Promise<void> | null = null;
let isStale = false;

/** Asks anew; while it asks, any number of changes are one more question. */
function refresh(): Promise<void> {
  if (refreshing !== null) {
    isStale = true;
    return refreshing;
  }
  isStale = false;
  return refreshing = load().catch(complain).finally(() => {
    refreshing = null;
    if (isStale) void refresh();
  });
}

async function load(): Promise<void> {
  const before = waiting.length;
  waiting = await reviewer.waiting();
  const count = byId("count");
  count.hidden = waiting.length === 0;
  count.textContent = String(waiting.length);
  document.title = waiting.length === 0 ? "openexec review" : `(${waiting.length}) openexec review`;
  if (waiting.length > before) announce(`${waiting.length} proposals wait.`);
  await show();
}

/** Reads from the address what is to be shown. */
function asked(): { readonly view: string; readonly id: string | null } {
  const [, view = "waiting", id = null] = location.hash.split("/");
  return { view, id };
}

async function show(): Promise<void> {
  const { view, id } = asked();
  for (const tab of document.querySelectorAll(".tabs a")) {
    const isCurrent = tab.getAttribute("href") === `#/${view}`;
    tab.setAttribute("aria-current", isCurrent ? "page" : "false");
  }
  if (view === "waiting") return await showWaiting(id);
  if (onScreen?.id === view) return;
  onScreen = { id: view, fingerprint: "" };
  const made = view === "history" ? historyView(reviewer) : passkeyView(() => onScreen = null);
  byId("main").replaceChildren(made);
}

async function showWaiting(id: string | null): Promise<void> {
  const main = byId("main");
  const groups = grouped(waiting);
  let desk = main.querySelector<HTMLElement>(".desk");
  if (desk === null) {
    desk = element(
      "div",
      { class: "desk" },
      element("div", { class: "side" }),
      element("div", { class: "one" }),
    );
    main.replaceChildren(desk);
    onScreen = null;
  }
  const chosen = id ?? firstOf(groups);
  desk.dataset["shows"] = chosen === null ? "list" : "one";
  const list = groups.length === 0 ? nothingWaits() : listView(groups, chosen);
  desk.querySelector(".side")?.replaceChildren(list);
  const one = desk.querySelector<HTMLElement>(".one");
  if (one === null) return;
  if (chosen === null) {
    onScreen = null;
    return one.replaceChildren();
  }
  await showOne(one, chosen);
}

/**
 * Returns the first that waits, where a list and a proposal stand beside each other. The address
 * names it from then on: only the person moves on, or another would take its place under a finger.
 */
function firstOf(groups: readonly (readonly Proposal[])[]): string | null {
  const first = isWide() ? groups[0]?.[0]?.id ?? null : null;
  if (first !== null) history.replaceState(null, "", `#/waiting/${first}`);
  return first;
}

/** Draws a proposal anew only when it changed: who reads or writes keeps their place. */
async function showOne(place: HTMLElement, id: string): Promise<void> {
  const proposal = await readableOf(id);
  if (asked().id !== id) return; // the person went on meanwhile
  const group = grouped(waiting).find((one) => one.some((other) => other.id === id)) ?? [];
  const equals = group.filter((other) => other.id !== id && other.status === "pending");
  const fingerprint = fingerprintOf(proposal);
  const isSame = onScreen?.id === id && onScreen.fingerprint === fingerprint;
  const isWriting = onScreen?.id === id && proposal.status === "pending" && isBeingDeclined(place);
  if (!isSame && !isWriting) {
    const isOther = onScreen?.id !== id;
    onScreen = null;
    place.replaceChildren();
    place.replaceChildren(cardOf(proposal));
    onScreen = { id, fingerprint };
    if (isOther && !isWide()) scrollTo(0, 0);
  }
  const ids = equals.map((other) => other.id).join();
  if (place.dataset["equals"] === `${id} ${fingerprint} ${ids}`) return;
  place.dataset["equals"] = `${id} ${fingerprint} ${ids}`;
  tellEquals(place, equals);
}

/** Leaves out the time, and similar ones, which come and go without a change of this one. */
function fingerprintOf(proposal: Proposal | ReviewedProposal): string {
  const { now: _, ...rest } = proposal;
  return JSON.stringify({ ...rest, similar: null });
}

function cardOf(proposal: Proposal | ReviewedProposal): HTMLElement {
  if (!("asked" in proposal)) return endedView(proposal, executorId);
  try {
    return proposalView({
      proposal,
      identity: identity(),
      read,
      approve: (ttlSeconds, others) => approve(proposal, others, ttlSeconds),
      decline: (reason) => decline(proposal, reason),
    }, executorId);
  } catch (error) {
    complain(error);
    return unshownView(proposal, executorId);
  }
}

/** With what would run, as long as the daemon shows it. Throws ContradictoryProposal. */
async function readableOf(id: string): Promise<Proposal | ReviewedProposal> {
  try {
    return await reviewer.get(id);
  } catch (error) {
    if (error instanceof ContradictoryProposal) throw error;
    return await reviewer.look(id);
  }
}

function isWide(): boolean {
  return matchMedia("(min-width: 52.01rem)").matches;
}

async function approve(
  proposal: ReviewedProposal,
  equals: readonly Proposal[],
  ttlSeconds: number,
): Promise<void> {
  const who = identity();
  if (who === null) return;
  await told(async () => {
    await reviewer.approve(proposal, passkeySigner(who), { ttlSeconds });
    for (const { id } of equals) {
      const other = await reviewer.get(id);
      const isSame = other.digest === proposal.digest &&
        other.handler.digest === proposal.handler.digest &&
        other.peer.uid === proposal.peer.uid;
      if (!isSame) throw new Error("Another one of them has changed: look at it by itself.");
      await reviewer.approve(other, passkeySigner(who), { ttlSeconds });
    }
    announce(equals.length === 0 ? "Approved." : `Approved ${equals.length + 1}.`);
  });
}

async function decline(proposal: ReviewedProposal, reason: string): Promise<void> {
  const who = identity();
  if (who === null) return;
  await told(async () => {
    await reviewer.decline(proposal, passkeySigner(who), reason);
    announce("Declined.");
  });
}

/** Says what went wrong, if something did, and shows what is true now. */
async function told(act: () => Promise<void>): Promise<void> {
  alarm(null);
  await act().catch(complain);
  await refresh();
}

function complain(error: unknown): void {
  if (error instanceof OpenExecUnreachable) return showState("lost");
  if (error instanceof OpenExecError) return alarm(`${error.detail} (${error.code})`);
  if (error instanceof DOMException && error.name === "NotAllowedError") {
    return alarm("Nothing was signed: the passkey was not given, or it took too long.");
  }
  alarm(messageOf(error));
}

start().catch(complain);
