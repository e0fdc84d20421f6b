/** The work a daemon does by itself while it serves: it prunes, and keeps checkpoints elsewhere. */

import type { CheckpointPublisher } from "../engine/checkpoints.ts";
import { pruneAll } from "../engine/operate.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Observer } from "./observer.ts";

/** A payload outlives its retention by this and a bucket's width at most. */
const PRUNE_EVERY_MS = 10_000;

export interface UpkeepParts {
  readonly ledger: Ledger;
  readonly publisher: Pick<CheckpointPublisher, "start" | "stop">;
  readonly observer: Pick<Observer, "bug" | "pruned" | "pruningPaused">;
}

export class Upkeep {
  #timer: ReturnType<typeof setInterval> | undefined;
  #pruning: Promise<void> | null = null;
  #paused = false;

  constructor(private readonly parts: UpkeepParts) {}

  start(): void {
    this.parts.publisher.start();
    this.#timer = setInterval(() => this.#prune(), PRUNE_EVERY_MS);
    this.#prune();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pruning;
    await this.parts.publisher.stop();
  }

  /** Prunes one at a time: a prune that outlasts the interval is not joined by another. */
  #prune(): void {
    const { ledger, observer } = this.parts;
    this.#pruning ??= pruneAll(ledger, observer.pruned, false)
      .then(() => this.#tellPause())
      .catch(observer.bug)
      .finally(() => this.#pruning = null);
  }

  /** Tells of each pause once, and again after a restart: expired bodies are kept meanwhile. */
  #tellPause(): void {
    const { ledger, observer } = this.parts;
    const { pruningPaused } = ledger.health();
    if (pruningPaused && !this.#paused) observer.pruningPaused();
    this.#paused = pruningPaused;
  }
}
