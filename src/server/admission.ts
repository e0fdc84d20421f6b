/**
 * Who may come in through one socket (G10): the kernel's word on the peer against the socket's `uids`, then how many
 * connections and requests one uid may have.
 *
 * Invariants:
 * - A peer that the kernel does not name is never admitted, whether the socket lists uids or not: an execution without a uid could
 *   be replayed, seen and charged by nobody or by everybody.
 * - Whatever agents use up, on however many sockets, an operator can connect, and ask.
 */

import { basename } from "node:path";
import type { Socket } from "node:net";
import type { Limits, SocketConfig } from "../config/config.ts";
import { StartupError } from "../core/startup_error.ts";
import type { Peer, Role } from "../core/types.ts";
import { descriptorOf, type PeerCredentials, peerCredentials } from "../os/unix_socket.ts";
import type { TokenBuckets } from "./token_bucket.ts";

export interface Verdict {
  /** How a connection begins: let in, to be told peer_denied at its first request, or one too many. */
  readonly kind: "admitted" | "denied" | "crowded";
  /** null where the kernel names nobody, who is never admitted. */
  readonly peer: Peer | null;
}

/** connectionsMax() finds 256 places at least. These are enough for whoever has to look, and to halt. */
export const ADMIN_SEATS = 8;

/**
 * Places for the connections of all sockets together. The last `kept` are for those who are admitted to an admin socket.
 *
 * The runtime stops accepting for good, without a word, when accept(2) finds no free descriptor: it must never come to that.
 */
export class Seats {
  #taken = 0;

  constructor(private readonly max: number, private readonly kept: number) {}

  take(role: Role): boolean {
    if (this.#taken >= this.max - (role === "admin" ? 0 : this.kept)) return false;
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

/** What all sockets of a server draw on: whoever is admitted to several has no more of it. */
export interface Shared {
  readonly seats: Seats;
  /** Of agents, per uid. */
  readonly requests: TokenBuckets;
}

export class Admission {
  readonly #connections = new Map<number, number>();

  constructor(
    private readonly config: SocketConfig,
    private readonly limits: Pick<Limits, "connectionsPerUid">,
    private readonly shared: Shared,
    private readonly askKernel: (socket: Socket) => PeerCredentials | undefined = credentialsOf,
  ) {}

  /** To be called once per connection, before anything is read from it; counts it until it closes. */
  admit(socket: Socket): Verdict {
    const credentials = this.askKernel(socket);
    const peer = credentials === undefined
      ? null
      : { ...credentials, socket: basename(this.config.path) };
    const uid = peer?.uid ?? UNKNOWN_UID;
    const open = this.#connections.get(uid) ?? 0;
    const isAdmitted = peer !== null && (this.config.uids?.has(uid) ?? true);
    const seated = open < this.limits.connectionsPerUid &&
      this.shared.seats.take(isAdmitted ? this.config.role : "agent");
    if (!seated) return { kind: "crowded", peer };
    this.#connections.set(uid, open + 1);
    socket.once("close", () => this.#leave(uid));
    return { kind: isAdmitted ? "admitted" : "denied", peer };
  }

  /** false when this uid has asked too often. An operator's levers work while agents of the same uid use up theirs. */
  takeRequest(uid: number): boolean {
    return this.config.role === "admin" || this.shared.requests.take(uid);
  }

  #leave(uid: number): void {
    this.shared.seats.leave();
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
