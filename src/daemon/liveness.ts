/**
 * Tells the service manager, period by period, that the daemon lives and how it is. The daemon
 * counts as alive only as long as its sockets take connections.
 */

import type { Notifier } from "../os/notify.ts";

export interface LivenessParts {
  readonly notify: Notifier;
  readonly periodMs: number;
  /** Asked once in each period, and once more where the answer is no. */
  readonly isAccepting: () => boolean;
  /** One line for a person, such as `serving 2 actions`. */
  readonly status: () => string;
}

/** A busy event loop may not have come to accepting yet: it has this long to do so. */
const SECOND_LOOK_MS = 1000;

export class Liveness {
  readonly #deaf = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #secondLook: ReturnType<typeof setTimeout> | undefined;
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
    this.#timer ??= setInterval(() => this.#look(), this.parts.periodMs);
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#secondLook);
  }

  #status(): string {
    return [this.parts.status(), this.#trouble].filter((part) => part !== "").join("; ");
  }

  #look(): void {
    if (this.#secondLook !== undefined) return;
    if (this.parts.isAccepting()) return this.#tell();
    this.#secondLook = setTimeout(() => {
      this.#secondLook = undefined;
      if (this.parts.isAccepting()) return this.#tell();
      this.close(); // the service manager hears nothing more, and ends the daemon if all else fails
      this.#deaf.resolve();
    }, SECOND_LOOK_MS);
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
