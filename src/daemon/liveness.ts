/**
 * What is told while the daemon serves, again and again: that it lives, and how it is. It is only said to be alive as long as
 * its sockets take connections.
 */

import type { Notifier } from "../os/notify.ts";

export interface VigilParts {
  readonly notify: Notifier;
  readonly periodMs: number;
  /** Asked once in each period, and once more where the answer is no. */
  readonly isAccepting: () => boolean;
  /** One line for a person, such as `serving 2 actions`. */
  readonly status: () => string;
}

/** An event loop that was busy for long may not have come to accepting yet: it is given so long before it is called deaf. */
const SECOND_LOOK_MS = 1000;

export class Vigil {
  readonly #deaf = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #secondLook: ReturnType<typeof setTimeout> | undefined;
  #trouble = "";
  #said = "";

  constructor(private readonly parts: VigilParts) {}

  /** Resolves when a socket takes no connections any more. */
  get deaf(): Promise<void> {
    return this.#deaf.promise;
  }

  /** Says ready, for the first time or after a reload. `trouble` stays in the status line until it is ready again. */
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
      this.close(); // from here on the service manager hears nothing, and ends the daemon if nothing else does
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
