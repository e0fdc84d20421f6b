/**
 * Who may come in through one socket (G10): the kernel's word on the peer against the socket's
 * `uids`, then how many connections and requests one uid may have, and whose turn it is. It counts
 * the connections that were turned away.
 *
 * Invariants:
 * - A peer that the kernel does not name is never admitted. Nobody, or everybody, could replay, see
 *   and be charged for an execution without a uid.
 * - An operator or approver can connect and ask, even when agents have used up all of theirs. A
 *   peer that an operators' socket does not admit is none.
 */

import { basename } from "node:path";
import type { Limits, SocketConfig } from "../../config/config.ts";
import { StartupError } from "../../core/startup_error.ts";
import type { Peer } from "../../core/types.ts";
import { type PeerCredentials, peerCredentials } from "../../os/sockets/unix_socket.ts";
import type { Connection } from "../connection.ts";
import { type Hold, NOTHING, type Turns } from "./turns.ts";

export interface Verdict {
  /** Let in, to be told peer_denied at its first request, or one connection too many. */
  readonly kind: "admitted" | "denied" | "crowded";
  /** null where the kernel names nobody. */
  readonly peer: Peer | null;
  /** Gives the place back, once, where there was one. */
  readonly leave: () => void;
}

/** Seats kept for operators and approvers, who have to look, to decide and to halt. */
export const OPERATOR_SEATS = 8;

/**
 * Places for the connections of all sockets together. The last `kept` are for operators.
 */
export class Seats {
  #taken = 0;

  constructor(private readonly max: number, private readonly kept: number) {}

  take(isOperator: boolean): boolean {
    if (this.#taken >= this.max - (isOperator ? 0 : this.kept)) return false;
    this.#taken += 1;
    return true;
  }

  leave(): void {
    this.#taken -= 1;
  }
}

const DESCRIPTORS_MIN = 512;

/**
 * How many connections there may be: half of the descriptors. The rest is for the ledger and the
 * executors. Throws a StartupError where that is too few.
 */
export function connectionsMax(descriptors: number): number {
  if (descriptors >= DESCRIPTORS_MIN) return Math.floor(descriptors / 2);
  throw new StartupError(
    `This process may open ${descriptors} files, and needs ${DESCRIPTORS_MIN}`,
    "Raise the limit: LimitNOFILE= in the unit, or ulimit -n",
  );
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** At this many buckets, the full ones are dropped: a new one would say the same. */
const BUCKETS_MAX = 1024;

/** Allows so many per second for each key, with bursts of one second's worth. */
export class TokenBuckets {
  readonly #buckets = new Map<number, Bucket>();

  /** `perSecond` 0: no limit. `nowMs` must never go back. */
  constructor(private readonly perSecond: number, private readonly nowMs: () => number) {}

  /** false when this key has none left. */
  take(key: number): boolean {
    if (this.perSecond === 0) return true;
    const now = this.nowMs();
    if (this.#buckets.size >= BUCKETS_MAX) this.#dropFull(now);
    const bucket = this.#buckets.get(key) ?? { tokens: this.perSecond, atMs: now };
    const tokens = this.#refilled(bucket, now);
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: now });
    return tokens >= 1;
  }

  #refilled({ tokens, atMs }: Bucket, now: number): number {
    return Math.min(this.perSecond, tokens + (now - atMs) / 1000 * this.perSecond);
  }

  #dropFull(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (this.#refilled(bucket, now) >= this.perSecond) this.#buckets.delete(key);
    }
  }
}

/** Shared by the sockets of a server: a peer that is admitted to several has no more of it. */
export interface Shared {
  readonly seats: Seats;
  /** Requests of agents, by uid. */
  readonly requests: TokenBuckets;
  readonly turns: Turns;
  /** Open connections on agent sockets, by uid. */
  readonly agents: Map<number, number>;
}

export class Admission {
  /** Open connections by uid. Agents must not use up what an operator of their uid needs. */
  readonly #connections: Map<number, number>;

  constructor(
    readonly socket: SocketConfig,
    private readonly limits: Pick<Limits, "connectionsPerUid">,
    private readonly shared: Shared,
    private readonly askKernel: (connection: number) => PeerCredentials | undefined =
      peerCredentials,
  ) {
    this.#connections = socket.role === "agent" ? shared.agents : new Map();
  }

  /** Call it once per connection, by its descriptor, before anything is read. */
  admit(connection: number): Verdict {
    const credentials = this.askKernel(connection);
    const peer = credentials === undefined
      ? null
      : { ...credentials, socket: basename(this.socket.path) };
    const uid = peer?.uid ?? UNKNOWN_UID;
    const open = this.#connections.get(uid) ?? 0;
    const isAdmitted = peer !== null && (this.socket.uids?.has(uid) ?? true);
    const isSeated = open < this.limits.connectionsPerUid &&
      this.shared.seats.take(this.#isOperator(isAdmitted));
    if (!isSeated) return { kind: "crowded", peer, leave: () => {} };
    this.#connections.set(uid, open + 1);
    return { kind: isAdmitted ? "admitted" : "denied", peer, leave: () => this.#leave(uid) };
  }

  /** false when this uid has asked too often. Operators are free: agents may share their uid. */
  takeRequest(uid: number): boolean {
    return this.socket.role !== "agent" || this.shared.requests.take(uid);
  }

  /** Waits until a request or a connection may begin, as Turns.take(). Operators do not wait. */
  async turn(
    { peer, isAdmitted }: Pick<Connection, "peer" | "isAdmitted">,
    bytes: number,
    isGone: () => boolean,
  ): Promise<Hold | null> {
    if (this.#isOperator(isAdmitted)) return NOTHING;
    return await this.shared.turns.take(peer?.uid ?? UNKNOWN_UID, bytes, isGone);
  }

  #isOperator(isAdmitted: boolean): boolean {
    return isAdmitted && this.socket.role !== "agent";
  }

  #leave(uid: number): void {
    this.shared.seats.leave();
    const open = this.#connections.get(uid) ?? 0;
    if (open > 1) this.#connections.set(uid, open - 1);
    else this.#connections.delete(uid);
  }
}

/** Counts the connections of all peers that the kernel does not name. */
export const UNKNOWN_UID = -1;

const TELL_EVERY_MS = 10_000;

/** Counts connections that were turned away, which may be thousands a second: one line for many. */
export class TurnedAway {
  readonly #counts = new Map<number, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `tell` is given the number of each uid since it was told last. */
  constructor(private readonly tell: (uid: number, count: number) => void) {}

  note(uid: number): void {
    this.#counts.set(uid, (this.#counts.get(uid) ?? 0) + 1);
    this.#timer ??= setTimeout(() => this.flush(), TELL_EVERY_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [uid, count] of this.#counts) this.tell(uid, count);
    this.#counts.clear();
  }
}
