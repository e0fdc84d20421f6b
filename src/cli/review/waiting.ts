/**
 * All that waits on a reviewer's sockets, kept up with the daemons' events.
 *
 * Invariant: an item that has ended stays until it is dropped. It must not vanish, or give its
 * place to another, under the eyes of a person about to press a key.
 */

import { ContradictoryProposal, type ReviewedProposal } from "../../client/proposals/reviewed.ts";
import { OpenExecError, OpenExecUnreachable } from "../../client/errors.ts";
import { isUndecided, type Proposal } from "../../client/proposals/proposal.ts";
import type { ReviewSocket } from "./sockets.ts";

export interface Item {
  readonly socket: ReviewSocket;
  readonly id: string;
  /** The proposal when it was last read; null where it cannot be shown. */
  readonly proposal: ReviewedProposal | null;
  /** Why it cannot be shown. */
  readonly trouble: string | null;
  /** How it ended; null while it may change. */
  readonly end: Proposal | null;
}

/** Items that ask for the very same: an approval of one would read the same. Never empty. */
export type Group = readonly [Item, ...Item[]];

export class Waiting {
  readonly #items = new Map<string, Item>();
  readonly #lost = new Set<ReviewSocket>();

  /** `changed` is called after each change. */
  constructor(private readonly changed: () => void) {}

  /** Sockets whose daemon does not answer now. */
  get lost(): readonly ReviewSocket[] {
    return [...this.#lost];
  }

  /** Returns what became of an item; undefined where it is not kept any more. */
  newest({ socket, id }: Item): Item | undefined {
    return this.#items.get(keyOf(socket, id));
  }

  /** Oldest first; only what still waits. */
  groups(): readonly Group[] {
    const groups = new Map<string, [Item, ...Item[]]>();
    const open = [...this.#items.values()].filter(({ end }) => end === null);
    for (const item of open.toSorted((one, other) => one.id < other.id ? -1 : 1)) {
      const key = likenessOf(item);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
    return [...groups.values()];
  }

  /** The items that are like this one, itself first. */
  alike(item: Item): Group {
    const others = this.groups().find((group) => likenessOf(group[0]) === likenessOf(item)) ?? [];
    return [item, ...others.filter((other) => other.id !== item.id)];
  }

  /** Forgets what has ended. */
  drop({ socket, id }: Item): void {
    const key = keyOf(socket, id);
    if (this.#items.get(key)?.end !== null) this.#items.delete(key);
  }

  /** Follows one socket until the signal aborts. Rejects where its daemon refuses for good. */
  async follow(socket: ReviewSocket, signal: AbortSignal): Promise<void> {
    for await (const event of socket.reviewer.events(signal)) {
      try {
        if (event === "lost") this.#lost.add(socket);
        else if (event === "connected") await this.#readAll(socket);
        else await this.read(socket, event.id);
      } catch (error) {
        if (!(error instanceof OpenExecUnreachable)) throw error;
        this.#lost.add(socket);
      }
      this.changed();
    }
  }

  /** Reads one proposal anew. */
  async read(socket: ReviewSocket, id: string): Promise<void> {
    try {
      const proposal = await socket.reviewer.get(id);
      this.#set({ socket, id, proposal, trouble: null, end: endOf(proposal) });
    } catch (error) {
      if (error instanceof ContradictoryProposal) {
        this.#set({ socket, id, proposal: null, trouble: error.message, end: null });
      } else if (error instanceof OpenExecError) {
        await this.#readEnd(socket, id);
      } else throw error;
    }
  }

  /** A proposal that was pruned shows no request any more. */
  async #readEnd(socket: ReviewSocket, id: string): Promise<void> {
    try {
      const end = await socket.reviewer.look(id);
      this.#set({ socket, id, proposal: null, trouble: "its payload is gone", end: endOf(end) });
    } catch (error) {
      if (!(error instanceof OpenExecError)) throw error;
      this.#items.delete(keyOf(socket, id));
    }
  }

  #set(item: Item): void {
    const key = keyOf(item.socket, item.id);
    const known = this.#items.get(key);
    if (known === undefined && item.end !== null) return;
    this.#items.set(key, item.proposal === null && known ? { ...known, end: item.end } : item);
  }

  async #readAll(socket: ReviewSocket): Promise<void> {
    const waiting = new Set((await socket.reviewer.waiting()).map(({ id }) => id));
    const known = [...this.#items.values()].filter((item) => item.socket === socket);
    for (const { id } of known) waiting.add(id);
    for (const id of waiting) await this.read(socket, id);
    this.#lost.delete(socket);
  }
}

function keyOf({ executorId }: ReviewSocket, id: string): string {
  return `${executorId} ${id}`;
}

function endOf(proposal: Proposal): Proposal | null {
  return isUndecided(proposal) && proposal.status !== "running" ? null : proposal;
}

function likenessOf({ socket, id, proposal }: Item): string {
  if (proposal === null) return id;
  const { digest, handler, peer, approvals } = proposal;
  const given = approvals.given.map(({ keyid }) => keyid).toSorted();
  return JSON.stringify([socket.executorId, digest, handler.digest, peer.uid, given]);
}
