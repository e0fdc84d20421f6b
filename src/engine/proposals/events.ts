/**
 * The events of proposals: id and status, to whoever may see the proposal, and nothing else.
 *
 * Invariant: an event's own id is random, so that it tells nobody how much goes on elsewhere.
 */

import type { ProposalStatus } from "../../core/proposal.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { isVisible, type Viewer } from "../types.ts";

/** An event as its readers get it. */
export interface ToldEvent {
  /** 16 hex digits. */
  readonly id: string;
  readonly proposal: string;
  readonly status: ProposalStatus;
}

/** Follows from then on: calls `send` for each event, `onClose` when there will be none. */
export type Following = (send: (event: ToldEvent) => void, onClose: () => void) => () => void;

interface ProposalEvent extends ToldEvent {
  readonly uid: number;
  readonly action: string;
}

/** Events kept for readers that were away. One that missed more gets a snapshot. */
const KEPT_MAX = 1024;

export class ProposalEvents {
  readonly #kept: ProposalEvent[] = [];
  readonly #listeners = new Set<(event: ProposalEvent) => void>();
  readonly #closers = new Set<() => void>();
  /** The id that everything kept comes after. */
  #first = newId();

  /** The id of the latest event: a reader that knows it has missed nothing. */
  get latest(): string {
    return this.#kept.at(-1)?.id ?? this.#first;
  }

  publish({ id, peer: { uid }, action }: ProposalRecord, status: ProposalStatus): void {
    const event = { id: newId(), proposal: id, status, uid, action };
    this.#kept.push(event);
    if (this.#kept.length > KEPT_MAX) this.#first = this.#kept.shift()?.id ?? this.#first;
    for (const listener of this.#listeners) listener(event);
  }

  /** Everything after the event of that id that `viewer` may see; undefined if it is unknown. */
  since(id: string, viewer: Viewer): readonly ToldEvent[] | undefined {
    const at = id === this.#first ? 0 : this.#kept.findIndex((event) => event.id === id) + 1;
    if (at === 0 && id !== this.#first) return undefined;
    return this.#kept.slice(at).filter((event) => isVisible(viewer, event));
  }

  /** Returns how to stop listening. `onClose` is called when there will be no more events. */
  listen(
    viewer: Viewer,
    listener: (event: ToldEvent) => void,
    onClose: () => void,
  ): () => void {
    const onEvent = (event: ProposalEvent) => {
      if (isVisible(viewer, event)) listener(event);
    };
    this.#listeners.add(onEvent);
    this.#closers.add(onClose);
    return () => {
      this.#listeners.delete(onEvent);
      this.#closers.delete(onClose);
    };
  }

  /** Ends every stream. */
  close(): void {
    for (const close of [...this.#closers]) close();
  }
}

function newId(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}
