/**
 * The review page: what waits, live, one proposal at a time, and the person's answer to it.
 *
 * It is served as static files, under a policy that lets it load nothing else
 * (server/page_routes.ts).
 * The address says what is shown: #/waiting, #/waiting/ID, #/history, #/passkey.
 */

import { isJsonObject } from "../client/json.ts";
import type { Json } from "../core/types.ts";
import { get, openLink, ProblemError } from "./api.ts";
import { approve, decline, type Executor } from "./decide.ts";
import { alarm, announce, byId, element } from "./dom.ts";
import { listen } from "./events.ts";
import { historyView } from "./history.ts";
import { acceptAudience, identity, otherAudience } from "./identity.ts";
import { grouped, listView, nothingWaits } from "./list.ts";
import { passkeyView } from "./passkey_view.ts";
import { type Proposal, proposalOf, proposalsOf } from "./proposal.ts";
import { proposalView } from "./proposal_view.ts";

const OPEN = ["pending", "approved", "running"] as const;

let executor: Executor = { aud: "", tenant: null };
let waiting: readonly Proposal[] = [];
/** The proposal on the screen, and what of it would make it another one to read. */
let onScreen: { readonly id: string; readonly fingerprint: string } | null = null;

async function start(): Promise<void> {
  const link = /^#link=([\w-]+)$/.exec(location.hash)?.[1];
  if (link !== undefined) {
    history.replaceState(null, "", `${location.pathname}#/waiting`);
    await openLink(link);
  }
  executor = executorOf(await get("/"));
  byId("audience").textContent = executor.aud;
  const other = otherAudience(executor.aud);
  if (other !== null) return warnOfOther(other);
  addEventListener("hashchange", () => void show());
  await refresh();
  const whileOpen = new AbortController();
  addEventListener("pagehide", () => whileOpen.abort(), { once: true });
  await listen({ onChange: () => void refresh(), onState: showState }, whileOpen.signal);
}

function executorOf(service: Json): Executor {
  const { executor_id, tenant } = isJsonObject(service) ? service : {};
  if (typeof executor_id !== "string") throw new Error("The daemon does not say who it is.");
  return { aud: executor_id, tenant: typeof tenant === "string" ? tenant : null };
}

/** Another executor than the one this person knows: nothing is shown until they say so. */
function warnOfOther(known: string): void {
  const accept = () => {
    acceptAudience(executor.aud);
    location.reload();
  };
  byId("main").replaceChildren(element(
    "div",
    { class: "alert", role: "alert" },
    element(
      "p",
      {},
      `This address was executor ${known} before, and is ${executor.aud} now. Approve nothing ` +
        "unless you know why.",
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
  waiting = (await Promise.all(OPEN.map(listOf))).flat();
  const count = byId("count");
  count.hidden = waiting.length === 0;
  count.textContent = String(waiting.length);
  document.title = waiting.length === 0 ? "openexec review" : `(${waiting.length}) openexec review`;
  if (waiting.length > before) announce(`${waiting.length} proposals wait.`);
  await show();
}

async function listOf(status: string): Promise<readonly Proposal[]> {
  const found: Proposal[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const from: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = proposalsOf(await get(`/proposals?status=${status}${from}`));
    found.push(...page.proposals);
    cursor = page.next;
  }
  return found;
}

async function show(): Promise<void> {
  const [, view = "waiting", id = null] = location.hash.split("/");
  for (const tab of document.querySelectorAll(".tabs a")) {
    const isCurrent = tab.getAttribute("href") === `#/${view}`;
    tab.setAttribute("aria-current", isCurrent ? "page" : "false");
  }
  if (view === "waiting") return await showWaiting(id);
  if (onScreen?.id === view) return;
  onScreen = { id: view, fingerprint: "" };
  const made = view === "history" ? historyView() : passkeyView(() => onScreen = null);
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
  desk.dataset["shows"] = id === null ? "list" : "one";
  const chosen = id ?? (isWide() ? groups[0]?.[0]?.id ?? null : null);
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

/** Draws a proposal anew only when it changed: who reads or writes keeps their place. */
async function showOne(place: HTMLElement, id: string): Promise<void> {
  const proposal = proposalOf(await get(`/proposals/${id}`));
  const group = grouped(waiting).find((candidates) => candidates.some((one) => one.id === id)) ??
    [];
  const equals = group.filter((one) => one.id !== id && one.status === "pending");
  const { now: _now, similar, ...rest } = proposal;
  const fingerprint = JSON.stringify([rest, similar?.length, equals.map((one) => one.id)]);
  if (onScreen?.id === id && onScreen.fingerprint === fingerprint) return;
  const isOther = onScreen?.id !== id;
  onScreen = { id, fingerprint };
  place.replaceChildren(proposalView({
    proposal,
    executor,
    equals,
    identity: identity(),
    approve: approveAll,
    decline: declineOne,
  }));
  if (isOther && !isWide()) scrollTo(0, 0);
}

function isWide(): boolean {
  return matchMedia("(min-width: 52.01rem)").matches;
}

async function approveAll(proposals: readonly Proposal[], ttlSeconds: number): Promise<void> {
  const who = identity();
  if (who === null) return;
  await told(async () => {
    for (const proposal of proposals) {
      await approve(await atThisTime(proposal), executor, who, ttlSeconds);
    }
    announce(proposals.length === 1 ? "Approved." : `Approved ${proposals.length}.`);
  });
}

async function declineOne(proposal: Proposal, reason: string): Promise<void> {
  const who = identity();
  if (who === null) return;
  await told(async () => {
    await decline(await atThisTime(proposal), executor, who, reason);
    announce("Declined.");
  });
}

/** The proposal as it was shown, with the daemon's clock of now: nothing else may move on. */
async function atThisTime(proposal: Proposal): Promise<Proposal> {
  const { now } = proposalOf(await get(`/proposals/${proposal.id}`));
  return { ...proposal, now };
}

/** Says what went wrong, if something did, and shows what is true now. */
async function told(act: () => Promise<void>): Promise<void> {
  alarm(null);
  await act().catch(complain);
  await refresh();
}

function complain(error: unknown): void {
  if (error instanceof ProblemError) return alarm(`${error.message} (${error.code})`);
  if (error instanceof DOMException && error.name === "NotAllowedError") {
    return alarm("Nothing was signed: the passkey was not given, or it took too long.");
  }
  if (error instanceof TypeError) return showState("lost");
  alarm(error instanceof Error ? error.message : String(error));
}

start().catch(complain);
