/**
 * The reviewer's desk: keys in, decisions out.
 *
 * Invariants:
 * - A decision takes two strokes, and the second counts only once its question was on the screen:
 *   what was typed before is dropped, and a paste decides nothing.
 * - Approving is possible only when the end of what would run was in view.
 * - A person's key alone changes what is on the screen to something else, never an event.
 */

import { messageOf } from "../../core/caught.ts";
import { isReason } from "../../core/limits.ts";
import type { NamedSigner } from "../approve/approving_key.ts";
import type { Context } from "../context.ts";
import type { Key, Screen } from "../terminal/screen.ts";
import type { ReviewSocket } from "./sockets.ts";
import { endText, itemView, listLines } from "./view.ts";
import { type Group, type Item, Waiting } from "./waiting.ts";

type Verdict = "approve" | "decline";

/** The question that stands, or the reason that is being typed. */
type Prompt =
  | { readonly kind: "question"; readonly verdict: Verdict; readonly reason: string; items: Group }
  | { readonly kind: "reason"; readonly text: string; items: Group };

const REDRAW_MS = 1_000;

export class ReviewDesk {
  readonly #waiting = new Waiting(() => this.#update());
  #selected = 0;
  /** The proposal on the screen; null for the list. */
  #current: Item | null = null;
  #top = 0;
  #height = 1;
  #wasEndShown = false;
  #prompt: Prompt | null = null;
  #isBusy = false;
  #message = "";

  constructor(
    private readonly context: Context,
    private readonly screen: Screen,
    private readonly signer: NamedSigner | null,
    private readonly sockets: readonly ReviewSocket[],
  ) {}

  /** Resolves when the person quits, or the terminal is gone. */
  async run(): Promise<void> {
    const stop = new AbortController();
    for (const socket of this.sockets) {
      this.#waiting.follow(socket, stop.signal).catch((error: unknown) => {
        this.#tell(`${socket.socketPath}: ${messageOf(error)}`);
      });
    }
    this.screen.onResize(() => this.#resized());
    const clock = setInterval(() => this.#draw(), REDRAW_MS);
    try {
      this.#draw();
      for (;;) {
        const keys = await this.screen.keys();
        if (keys === null || !await this.#press(keys)) return;
        this.#draw();
      }
    } finally {
      clearInterval(clock);
      stop.abort();
    }
  }

  /** Returns false when the person quits. */
  async #press(keys: readonly Key[]): Promise<boolean> {
    for (const key of keys) {
      if (key === "Interrupt") return false;
      if (this.#prompt?.kind === "reason") this.#typeReason(this.#prompt, key);
      else if (this.#prompt !== null) await this.#answer(this.#prompt, key, keys.length === 1);
      else if (key === "q") return false;
      else if (this.#current === null) this.#pressInList(key);
      else this.#pressAtItem(this.#current, key, keys.length === 1);
    }
    return true;
  }

  #pressInList(key: Key): void {
    const groups = this.#waiting.groups();
    const last = groups.length - 1;
    if (key === "Up" || key === "k") this.#selected = Math.max(0, this.#selected - 1);
    if (key === "Down" || key === "j") this.#selected = Math.min(last, this.#selected + 1);
    if (key === "Enter") this.#open(groups[Math.min(this.#selected, last)]?.[0] ?? null);
  }

  #pressAtItem(item: Item, key: Key, isAlone: boolean): void {
    const page = Math.max(1, this.#height - 1);
    if (key === " " || key === "PageDown") this.#top += page;
    if (key === "PageUp") this.#top = Math.max(0, this.#top - page);
    if (key === "Down" || key === "j") this.#top += 1;
    if (key === "Up" || key === "k") this.#top = Math.max(0, this.#top - 1);
    if (key === "b" || key === "Escape") this.#open(null);
    if (key === "s" || (key === "Enter" && item.end !== null)) this.#open(this.#after(item));
    if (!isAlone || item.end !== null) return;
    const all = this.#waiting.alike(item);
    if (key === "a") this.#ask("approve", "", [item]);
    if (key === "A") this.#ask("approve", "", all);
    if (key === "d") this.#begin([item]);
    if (key === "D") this.#begin(all);
  }

  /** The next one in the list; null where there is no other. */
  #after(item: Item): Item | null {
    const alike = new Set(this.#waiting.alike(item).map(({ id }) => id));
    const firsts = this.#waiting.groups().map(([first]) => first).filter(({ id }) =>
      !alike.has(id)
    );
    return firsts.find(({ id }) => id > item.id) ?? firsts[0] ?? null;
  }

  #open(item: Item | null): void {
    if (this.#current !== null) this.#waiting.drop(this.#current);
    this.#current = item;
    [this.#top, this.#wasEndShown, this.#message] = [0, false, ""];
  }

  #ask(verdict: Verdict, reason: string, items: Group): void {
    const [{ proposal }] = items;
    if (this.signer === null) {
      return this.#tell("This only looks: name a key with --key to decide.");
    }
    if (proposal === null) return this.#tell("This cannot be shown, so it cannot be decided.");
    const { keyid } = this.signer;
    if (verdict === "approve" && proposal.approvals.given.some((given) => given.keyid === keyid)) {
      return this.#tell("You have signed this; others have to.");
    }
    if (verdict === "approve" && !this.#wasEndShown) {
      return this.#tell("Look at all of it first: Space shows more.");
    }
    this.screen.dropTypedAhead();
    this.#prompt = { kind: "question", verdict, reason, items };
  }

  #begin(items: Group): void {
    if (this.signer === null || items[0].proposal === null) return this.#ask("decline", "", items);
    this.#prompt = { kind: "reason", text: "", items };
  }

  #typeReason(prompt: Prompt & { readonly kind: "reason" }, key: Key): void {
    const { text, items } = prompt;
    const typed = key === "Backspace" ? [...text].slice(0, -1).join("") : text + key;
    if (key === "Escape") this.#prompt = null;
    else if (key === "Enter") this.#ask("decline", text, items);
    else if ((key === "Backspace" || [...key].length === 1) && isReason(typed)) {
      this.#prompt = { ...prompt, text: typed };
    }
  }

  async #answer(
    prompt: Prompt & { readonly kind: "question" },
    key: Key,
    isAlone: boolean,
  ): Promise<void> {
    if (key === "y" && isAlone) {
      this.#prompt = null;
      await this.#decide(prompt);
      this.screen.dropTypedAhead();
    } else if (key === "n" || key === "Escape" || key === "Enter") {
      this.#prompt = null;
      this.#message = "Nothing was signed.";
    }
  }

  /** Signs one after the other, and stops at the first that fails. */
  async #decide(
    { verdict, reason, items }: Prompt & { readonly kind: "question" },
  ): Promise<void> {
    const { signer } = this;
    this.#isBusy = true;
    let done = 0;
    try {
      for (const { socket, id, proposal } of items) {
        if (signer === null || proposal === null) break;
        this.#tell(`Signing ${done + 1} of ${items.length} ...`);
        const { reviewer } = socket;
        const sign = () =>
          verdict === "approve"
            ? reviewer.approve(proposal, signer)
            : reviewer.decline(proposal, signer, reason);
        // ssh-keygen may ask for a touch, a PIN or a passphrase
        await (signer.kind === "sshsig" ? this.screen.aside(sign) : sign());
        done++;
        await this.#waiting.read(socket, id);
      }
      this.#message = `${verdict === "approve" ? "Approved" : "Declined"}${
        items.length === 1 ? "" : ` all ${done}`
      }.`;
    } catch (error) {
      this.#message = `${done} of ${items.length} done, then: ${messageOf(error)}`;
    }
    this.#isBusy = false;
    this.#update();
  }

  /** Takes up what the daemons told. A question about something else than before is taken back. */
  #update(): void {
    const shown = this.#current;
    const now = shown === null ? undefined : this.#waiting.newest(shown);
    if (shown !== null && now !== undefined && now !== shown) {
      this.#current = now;
      if (now.end !== null || essence(now) !== essence(shown)) this.#prompt = null;
      if (essence(now) !== essence(shown)) {
        [this.#top, this.#wasEndShown] = [0, false];
        this.#message = "It has changed: look at it again.";
      }
    }
    this.#draw();
  }

  /** Lines are wrapped anew: their end has to come into view again. */
  #resized(): void {
    if (this.#prompt?.kind === "question") this.#prompt = null;
    [this.#top, this.#wasEndShown] = [0, false];
    this.#draw();
  }

  #tell(message: string): void {
    this.#message = message;
    this.#draw();
  }

  #draw(): void {
    const size = this.screen.size();
    const groups = this.#waiting.groups();
    const shown = {
      title: this.#title(groups),
      message: this.#lastLine(),
      nowMs: this.context.clock.nowMs(),
    };
    const item = this.#current;
    if (item === null) {
      this.#selected = Math.max(0, Math.min(this.#selected, groups.length - 1));
      return this.screen.draw(listLines(groups, this.#selected, shown, size));
    }
    const view = itemView(item, this.#waiting.alike(item).length, this.#top, shown, size);
    [this.#top, this.#height] = [view.top, view.height];
    if (view.isEndShown) this.#wasEndShown = true;
    this.screen.draw(view.lines);
  }

  #title(groups: readonly Group[]): string {
    const count = groups.reduce((sum, group) => sum + group.length, 0);
    const who = this.signer === null ? "looking only" : `${this.signer.name}, ${this.signer.keyid}`;
    const lost = this.#waiting.lost.map(({ executorId }) => `   NOT CONNECTED to ${executorId}`);
    return `openexec review   ${count} wait   ${who}${lost.join("")}`;
  }

  #lastLine(): string {
    const prompt = this.#prompt;
    if (prompt?.kind === "reason") {
      return `Why, for the agent (Enter ends, Escape stops): ${prompt.text}`;
    }
    if (prompt !== null) return questionOf(prompt.verdict, prompt.items);
    const end = this.#current?.end ?? null;
    return end === null || this.#isBusy ? this.#message : `${this.#message} ${endText(end)}`.trim();
  }
}

function questionOf(verdict: Verdict, items: Group): string {
  const [{ proposal }] = items;
  const what = items.length === 1 ? "this" : `all ${items.length}`;
  return `${verdict === "approve" ? "Approve" : "Decline"} ${what} ${proposal?.action ?? ""}? y n`;
}

/** Everything that an approval rests on. */
function essence({ proposal, trouble }: Item): string {
  if (proposal === null) return trouble ?? "";
  const { digest, handler, peer, expires_at } = proposal;
  return JSON.stringify([digest, handler, peer, expires_at]);
}
