/**
 * What is told while the daemon serves, again and again: that it lives, and how it is. It is only said to be alive as long as
 * its sockets take connections.
 */

import type { Notifier } from "../os/notify.ts";

export interface VigilParts {
  readonly notify: Notifier;
  readonly periodMs: number;
  /** Asked once in each period. */
  readonly isAccepting: () => boolean;
  /** One line for a person, such as `serving 2 actions`. */
  readonly status: () => string;
}

export class Vigil {
  readonly #deaf = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setInterval> | undefined;
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
  }

  #status(): string {
    return [this.parts.status(), this.#trouble].filter((part) => part !== "").join("; ");
  }

  #look(): void {
    const { notify, isAccepting } = this.parts;
    if (!isAccepting()) {
      this.close(); // from here on the service manager hears nothing, and ends the daemon if nothing else does
      return this.#deaf.resolve();
    }
    notify.watchdog();
    const status = this.#status();
    if (status === this.#said) return;
    this.#said = status;
    notify.status(status);
  }
}
