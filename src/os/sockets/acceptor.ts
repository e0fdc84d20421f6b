/**
 * Accepts the connections of a listening socket, a few in each turn of the event loop, and tells
 * whether they are still accepted. Where they are not, callers wait in the kernel's queue, without
 * an event.
 *
 * The runtime's own listener accepts 128 before it does anything else, makes a stream of each, and
 * stops for good when accept(2) fails once.
 *
 * Invariants:
 * - The event loop has a turn between two batches, and none takes long. After one in which a
 *   connection was turned away there is a pause three times as long, so that these have a quarter
 *   of the loop at most.
 * - An error of accept(2) ends nothing: it is tried again.
 * - A busy event loop is never taken for a deaf one. It is given turns, not time: as many as it
 *   needs to accept a full queue, however long each of them takes.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { StartupError } from "../../core/startup_error.ts";
import { sleep } from "../../core/wait.ts";
import { makePipe } from "../descriptors.ts";
import { EAGAIN, errno, errorText, libc, SOCK_CLOEXEC, SOCK_NONBLOCK } from "../libc.ts";
import { POLLIN } from "./unix_socket.ts";

const F_SETFL = 4;
const O_NONBLOCK = SOCK_NONBLOCK;
const POLLFD_BYTES = 8;

/** A batch ends after so long, and begins with at most so many connections. */
const BATCH_MS = 1;
const BATCH_MAX = 64;
/** After a crowd it looks again by itself, so often, before it has another thread wait. */
const CALM_TURNS = 8;
const TURN_MS = 1;
/** A lack of memory or descriptors takes a while to pass. */
const AGAIN_MS = 100;

export class Acceptor {
  readonly #pipe: { readonly read: number; readonly write: number };
  readonly #run: Promise<void>;
  #isOver = false;

  /**
   * Owns the listening `descriptor`. Hands that of each connection over to `take`, which owns it
   * then, and returns false where it was turned away. Throws a StartupError.
   */
  constructor(
    private readonly descriptor: number,
    private readonly take: (connection: number) => boolean,
  ) {
    const pipe = makePipe();
    if (pipe === undefined) throw new StartupError("No pipe can be made", errorText(errno()));
    const [read, write] = pipe;
    this.#pipe = { read, write };
    libc.fcntl(descriptor, F_SETFL, O_NONBLOCK); // systemd hands over what blocks
    this.#run = this.#accept();
  }

  /** Accepts nothing more, and closes the listening socket. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    libc.write(this.#pipe.write, Uint8Array.of(0), 1n);
    await this.#run;
    for (const open of [this.descriptor, this.#pipe.read, this.#pipe.write]) libc.close(open);
  }

  async #accept(): Promise<void> {
    while (!this.#isOver) {
      await this.#arrival();
      /** How often it has looked since the last crowd. */
      let calm = CALM_TURNS;
      do {
        const pauseMs = this.#acceptBatch();
        calm = pauseMs > 0 ? 0 : calm + 1;
        await (calm > CALM_TURNS ? nextTurn() : sleep(Math.max(TURN_MS, pauseMs)));
      } while (calm < CALM_TURNS && !this.#isOver);
    }
  }

  /** Resolves when a connection waits, or this is over. */
  async #arrival(): Promise<void> {
    const entries = new DataView(new ArrayBuffer(2 * POLLFD_BYTES)); // two of struct pollfd
    for (const [i, polled] of [this.descriptor, this.#pipe.read].entries()) {
      entries.setInt32(i * POLLFD_BYTES, polled, true);
      entries.setInt16(i * POLLFD_BYTES + 4, POLLIN, true);
    }
    const ready = await libc.poll_later(new Uint8Array(entries.buffer), 2n, -1);
    if (ready < 0) await sleep(AGAIN_MS);
  }

  /** Returns for how long to pause; 0 where no connection was turned away. */
  #acceptBatch(): number {
    const begunMs = performance.now();
    let isCrowded = false;
    for (let i = 0; i < BATCH_MAX && performance.now() - begunMs < BATCH_MS; i++) {
      const connection = libc.accept4(this.descriptor, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (connection >= 0) isCrowded = !this.take(connection) || isCrowded;
      else if (errno() === EAGAIN) break;
      else return AGAIN_MS;
    }
    return isCrowded ? 3 * (performance.now() - begunMs) : 0;
  }
}

/** More than an accepting loop needs for one of them. */
const WATCHED_TURNS = 100;
/** At least so much lies between two turns that are counted. */
const WATCHED_TURN_MS = 10;

export class AcceptWatch {
  #accepted = 0;

  /**
   * `knock` begins a connection and returns how to end it; it may fail without a word, where the
   * socket does not let the daemon's own user in. `isWaiting`: whether one waits to be accepted.
   */
  constructor(
    private readonly knock: () => () => void,
    private readonly isWaiting: () => boolean,
  ) {}

  /** Call it for each connection. */
  accepted(): void {
    this.#accepted += 1;
  }

  /** Resolves to true when a connection waits and none is accepted in WATCHED_TURNS turns. */
  async isStuck(): Promise<boolean> {
    const before = this.#accepted;
    const leave = this.knock();
    try {
      for (let turn = 0; turn < WATCHED_TURNS; turn++) {
        if (this.#accepted !== before || !this.isWaiting()) return false;
        await sleep(WATCHED_TURN_MS);
      }
      return true;
    } finally {
      leave();
    }
  }
}
