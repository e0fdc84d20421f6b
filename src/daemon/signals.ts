/**
 * Signals to the daemon, from the moment it begins to start. SIGTERM, SIGINT and the loss of its
 * terminal ask it to drain, a second SIGTERM or SIGINT ends it at once, any other SIGHUP asks it to
 * reload.
 *
 * Invariant: between the constructor and close(), the system ends the process for none of these,
 * and each is remembered: what is asked for during the start is done after it.
 */

import { ignoresSignal, SIGHUP, terminalOf } from "../os/process.ts";

/**
 * Two signals to stop within as long are one. At Ctrl-C the kernel tells every process on the
 * terminal, and npm hands the signal on to the daemon once more.
 */
const SAME_MS = 200;

export interface SignalsOptions {
  /** Called at the second signal to stop; it must end the process. */
  readonly endAtOnce: () => void;
  /** Milliseconds that never go back. */
  readonly nowMs?: () => number;
  /** Asked at each SIGHUP: whether it tells of a terminal that is gone. */
  readonly isTerminalLost?: () => boolean;
}

export class Signals {
  readonly #stop = Promise.withResolvers<void>();
  readonly #endAtOnce: () => void;
  readonly #nowMs: () => number;
  readonly #isTerminalLost: () => boolean;
  /** null until then. */
  #stopAskedMs: number | null = null;
  #reload: (() => Promise<void>) | null = null;
  #isReloadDue = false;
  #reloads = Promise.resolve();

  constructor(options: SignalsOptions) {
    this.#endAtOnce = options.endAtOnce;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#isTerminalLost = options.isTerminalLost ?? ownTerminalLoss();
    Deno.addSignalListener("SIGTERM", this.#onStop);
    Deno.addSignalListener("SIGINT", this.#onStop);
    Deno.addSignalListener("SIGHUP", this.#onHangup);
  }

  get isStopping(): boolean {
    return this.#stopAskedMs !== null;
  }

  /** Resolves at the first signal to stop. */
  get stop(): Promise<void> {
    return this.#stop.promise;
  }

  /** Calls `reload` for every signal from now on, and for those before. It must not reject. */
  serveReloads(reload: () => Promise<void>): void {
    this.#reload = reload;
    if (this.#isReloadDue) this.#askReload();
  }

  /** Leaves signals to the system again. */
  close(): void {
    Deno.removeSignalListener("SIGTERM", this.#onStop);
    Deno.removeSignalListener("SIGINT", this.#onStop);
    Deno.removeSignalListener("SIGHUP", this.#onHangup);
  }

  readonly #onStop = (): void => {
    if (this.#stopAskedMs === null) this.#askStop();
    else if (this.#nowMs() - this.#stopAskedMs >= SAME_MS) this.#endAtOnce();
  };

  readonly #onHangup = (): void => {
    if (this.isStopping) return;
    if (this.#isTerminalLost()) this.#askStop();
    else this.#askReload();
  };

  #askStop(): void {
    this.#stopAskedMs = this.#nowMs();
    this.#stop.resolve();
  }

  #askReload(): void {
    this.#isReloadDue = this.#reload === null;
    // One after another, so that the last one asked for wins.
    if (this.#reload !== null) this.#reloads = this.#reloads.then(this.#reload);
  }
}

/** A process that began without a terminal, or under nohup, has none to lose. */
function ownTerminalLoss(): () => boolean {
  const hasOne = terminalOf(Deno.pid) !== 0 && !ignoresSignal(Deno.pid, SIGHUP);
  return () => hasOne && terminalOf(Deno.pid) === 0;
}
