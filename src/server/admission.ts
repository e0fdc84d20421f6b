/**
 * Who may come in through one socket (G10): the kernel's word on the peer against the socket's `uids`, then how many
 * connections and requests one uid may have.
 *
 * Invariant: a peer that the kernel does not name is never admitted, whether the socket lists uids or not: an execution without a
 * uid could be replayed, seen and charged by nobody or by everybody.
 */

import { basename } from "node:path";
import type { Socket } from "node:net";
import type { Limits, SocketConfig } from "../config/config.ts";
import { StartupError } from "../core/startup_error.ts";
import type { Peer } from "../core/types.ts";
import { descriptorOf, type PeerCredentials, peerCredentials } from "../os/peer_credentials.ts";
import { TokenBuckets } from "./token_bucket.ts";

export interface Verdict {
  /** How a connection begins: let in, to be told peer_denied at its first request, or one too many. */
  readonly kind: "admitted" | "denied" | "crowded";
  /** null where the kernel names nobody, who is never admitted. */
  readonly peer: Peer | null;
}

/**
 * Places for the connections of all sockets together.
 *
 * The runtime stops accepting for good, without a word, when accept(2) finds no free descriptor: it must never come to that.
 */
export class Seats {
  #taken = 0;

  constructor(private readonly max: number) {}

  take(): boolean {
    if (this.#taken >= this.max) return false;
    this.#taken += 1;
    return true;
  }

  leave(): void {
    this.#taken -= 1;
  }
}

/** The runtime accepts so many connections of one socket before it lets us look at the first of them. */
const ACCEPTED_AT_ONCE = 128;

/**
 * How many connections there may be: half of the descriptors, the rest is for the ledger, the executors, and connections that
 * are accepted only to be turned away. Throws a StartupError where that is too few.
 */
export function connectionsMax(sockets: number, descriptors: number): number {
  const needed = 2 * ACCEPTED_AT_ONCE * (sockets + 1);
  if (descriptors >= needed) return Math.floor(descriptors / 2);
  throw new StartupError(
    `This process may open ${descriptors} files, and needs ${needed}`,
    "Raise the limit: LimitNOFILE= in the unit, or ulimit -n",
  );
}

export class Admission {
  readonly #connections = new Map<number, number>();
  readonly #requests: TokenBuckets;

  constructor(
    private readonly config: SocketConfig,
    private readonly limits: Pick<Limits, "connectionsPerUid" | "requestsPerSecond">,
    private readonly seats: Seats,
    private readonly askKernel: (socket: Socket) => PeerCredentials | undefined = credentialsOf,
    nowMs: () => number = () => performance.now(),
  ) {
    // An operator's levers must work while agents of the same uid use up theirs.
    this.#requests = new TokenBuckets(config.role === "admin" ? 0 : limits.requestsPerSecond, nowMs);
  }

  /** To be called once per connection, before anything is read from it; counts it until it closes. */
  admit(socket: Socket): Verdict {
    const credentials = this.askKernel(socket);
    const peer = credentials === undefined ? null : { ...credentials, socket: basename(this.config.path) };
    const uid = peer?.uid ?? UNKNOWN_UID;
    const open = this.#connections.get(uid) ?? 0;
    if (open >= this.limits.connectionsPerUid || !this.seats.take()) return { kind: "crowded", peer };
    this.#connections.set(uid, open + 1);
    socket.once("close", () => this.#leave(uid));
    const isListed = this.config.uids?.has(uid) ?? true;
    return { kind: peer !== null && isListed ? "admitted" : "denied", peer };
  }

  /** false when this uid has asked too often. */
  takeRequest(uid: number): boolean {
    return this.#requests.take(uid);
  }

  #leave(uid: number): void {
    this.seats.leave();
    const open = this.#connections.get(uid) ?? 0;
    if (open > 1) this.#connections.set(uid, open - 1);
    else this.#connections.delete(uid);
  }
}

/** Counts the connections of all peers that the kernel does not name. */
const UNKNOWN_UID = -1;

function credentialsOf(socket: Socket): PeerCredentials | undefined {
  const descriptor = descriptorOf(socket);
  return descriptor === undefined ? undefined : peerCredentials(descriptor);
}
