/**
 * Tells the service manager, period by period, that the daemon lives and how it is. The daemon
 * counts as alive only as long as its sockets take connections.
 */

import type { Notifier } from "../os/notify.ts";

export interface LivenessParts {
  readonly notify: Notifier;
  readonly periodMs: number;
  /** Asked once in each period, and not again before it has answered. */
  readonly isAccepting: () => Promise<boolean>;
  /** One line for a person, such as `serving 2 actions`. */
  readonly status: () => string;
}

export class Liveness {
  readonly #deaf = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isLooking = false;
  #isClosed = false;
  #trouble = "";
  #said = "";

  constructor(private readonly parts: LivenessParts) {}

  /** Resolves when a socket takes no connections any more. */
  get deaf(): Promise<void> {
    return this.#deaf.promise;
  }

  /** Says ready, at first and after a reload. `trouble` stays in the status until the next time. */
  ready(trouble = ""): void {
    this.#trouble = trouble;
    this.#said = this.#status();
    this.parts.notify.ready(this.#said);
    this.#timer ??= setInterval(() => void this.#look(), this.parts.periodMs);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  #status(): string {
    return [this.parts.status(), this.#trouble].filter((part) => part !== "").join("; ");
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const isAccepting = await this.parts.isAccepting();
    this.#isLooking = false;
    if (this.#isClosed) return;
    if (isAccepting) return this.#tell();
    this.close(); // the service manager hears nothing more, and ends the daemon if all else fails
    this.#deaf.resolve();
  }

  #tell(): void {
    const { notify } = this.parts;
    notify.watchdog();
    const status = this.#status();
    if (status === this.#said) return;
    this.#said = status;
    notify.status(status);
  }
}
