/**
 * Signals to the daemon, from the moment it begins to start. SIGTERM and SIGINT ask it to drain, a
 * second one ends it at once, SIGHUP asks it to reload.
 *
 * Invariant: between the constructor and close(), the system ends the process for none of these,
 * and each is remembered: what is asked for during the start is done after it.
 */

export class Signals {
  readonly #stop = Promise.withResolvers<void>();
  #isStopping = false;
  #reload: (() => Promise<void>) | null = null;
  #isReloadDue = false;
  #reloads = Promise.resolve();

  /** `endAtOnce` is called at the second signal to stop; it must end the process. */
  constructor(private readonly endAtOnce: () => void) {
    Deno.addSignalListener("SIGTERM", this.#onStop);
    Deno.addSignalListener("SIGINT", this.#onStop);
    Deno.addSignalListener("SIGHUP", this.#onReload);
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Resolves at the first signal to stop. */
  get stop(): Promise<void> {
    return this.#stop.promise;
  }

  /** Calls `reload` for every signal from now on, and for those before. It must not reject. */
  serveReloads(reload: () => Promise<void>): void {
    this.#reload = reload;
    if (this.#isReloadDue) this.#onReload();
  }

  /** Leaves signals to the system again. */
  close(): void {
    Deno.removeSignalListener("SIGTERM", this.#onStop);
    Deno.removeSignalListener("SIGINT", this.#onStop);
    Deno.removeSignalListener("SIGHUP", this.#onReload);
  }

  readonly #onStop = (): void => {
    if (this.#isStopping) return this.endAtOnce();
    this.#isStopping = true;
    this.#stop.resolve();
  };

  readonly #onReload = (): void => {
    if (this.#isStopping) return;
    this.#isReloadDue = this.#reload === null;
    // One after another, so that the last one asked for wins.
    if (this.#reload !== null) this.#reloads = this.#reloads.then(this.#reload);
  };
}
