/**
 * The steps that everything takes which starts, an approved request or an approved proposal:
 * open? -> find action, and after its approval: take a slot -> reserve -> run.
 *
 * Invariants:
 * - Nothing starts before `ledger.reserve` resolved. A slot whose reservation failed is given back.
 * - Proposals that wait for a slot come first: what arrives later finds none while they do.
 */

import type { Approval } from "../approval/verify.ts";
import type { ActionConfig, SocketConfig } from "../config/config.ts";
import { Refusal } from "../core/errors.ts";
import type { Peer } from "../core/types.ts";
import { uuidV7 } from "../core/uuid.ts";
import type { RegisteredAction, Slot } from "../executor/types.ts";
import type { Start } from "../ledger/proposals/types.ts";
import type { ExecutionRecord, RequestBody, Reservation } from "../ledger/types.ts";
import { commitment } from "../log/receipt.ts";
import type { ParsedRequest } from "./request.ts";
import { retentionOf, type Runs } from "./runs.ts";
import type { EngineParts, RequestContext, Stopwatch } from "./types.ts";
import type { ExecutionView } from "./view.ts";

export interface FoundAction {
  readonly action: ActionConfig;
  readonly registered: RegisteredAction;
}

/** Throws a Refusal: halted, draining. */
export function refuseWhileClosed(
  { ledger }: Pick<EngineParts, "ledger">,
  { isDraining }: Pick<Runs, "isDraining">,
): void {
  if (ledger.health().halted) throw new Refusal("halted");
  if (isDraining) throw new Refusal("draining");
}

/** Throws a Refusal: action_not_allowed, action_unknown. */
export function findAction(
  name: string,
  socket: Pick<SocketConfig, "actions">,
  { config, executors }: Pick<EngineParts, "config" | "executors">,
): FoundAction {
  for (const allowed of [socket.actions, config.allowedActions]) {
    if (allowed !== null && !allowed.has(name)) throw new Refusal("action_not_allowed");
  }
  const action = config.actions.get(name);
  const registered = executors.actions.get(name);
  if (action === undefined || registered === undefined) throw new Refusal("action_unknown");
  return { action, registered };
}

export interface Started {
  readonly record: ExecutionRecord;
  readonly body: RequestBody;
  readonly run: Promise<ExecutionView>;
}

export class Starter {
  /** Requests being reserved or run, held to limits.in_flight. A twin that waits is not one. */
  #working = 0;
  /** The requests among them that agents sent to run at once, by uid. */
  readonly #workingOf = new Map<number, number>();
  /** Whether something approved waits for a slot of that action. */
  isQueued: (action: string) => boolean = () => false;
  /** Called when one of the requests in flight has ended. */
  onRoom: () => void = () => {};

  /** Called as something starts. */
  onStarted: (record: ExecutionRecord, body: RequestBody) => void = () => {};

  constructor(private readonly parts: EngineParts, private readonly runs: Runs) {}

  /**
   * Counts a request as being worked on. Call the function it returns once it is not any more;
   * `hasEnded` false says that it never began, and so made no room for others. `uid`: whose it is,
   * where it counts for limits.in_flight_per_uid. Proposals have limits of their own.
   */
  enter(uid: number | null = null): (hasEnded?: boolean) => void {
    this.#count(uid, 1);
    let isIn = true;
    return (hasEnded = true) => {
      if (!isIn) return;
      isIn = false;
      this.#count(uid, -1);
      if (hasEnded) this.onRoom();
    };
  }

  #count(uid: number | null, change: 1 | -1): void {
    this.#working += change;
    if (uid === null) return;
    const working = (this.#workingOf.get(uid) ?? 0) + change;
    if (working > 0) this.#workingOf.set(uid, working);
    else this.#workingOf.delete(uid);
  }

  /**
   * Takes a slot. Call it between `enter`, with the same `uid`, and its end. Throws a Refusal:
   * executor_busy, executor_unavailable.
   */
  acquire(action: string, uid: number | null = null): Slot {
    const { inFlight, inFlightPerUid } = this.parts.config.limits;
    if (this.#working > inFlight) {
      throw new Refusal("executor_busy", "The daemon is working on as many requests as it may.");
    }
    if (uid !== null && (this.#workingOf.get(uid) ?? 0) > inFlightPerUid) {
      throw new Refusal("executor_busy", "This uid has as many requests in flight as it may.");
    }
    return this.parts.executors.acquire(action);
  }

  /**
   * Resolves once it is reserved and on its way in that slot. Throws a Refusal:
   * executor_unavailable, and those of the reservation; then the slot was given back.
   */
  async start(
    slot: Slot,
    reservationOf: () => Reservation,
    traceparent: string | null,
    stations: Stopwatch,
  ): Promise<Started> {
    await slot.ready();
    const reservation = reservationOf();
    const record = await this.parts.ledger.reserve(reservation).catch((error: unknown) => {
      slot.release();
      throw error;
    });
    stations.passed("reserve");
    const { body } = reservation;
    this.onStarted(record, body);
    return { record, body, run: this.runs.start(record, body, slot, traceparent, stations) };
  }
}

/** Where a request comes from, and under which id it runs. */
interface Origin {
  readonly id: string;
  readonly peer: Peer;
  /** 32 bytes; the request's commitment is made with it. */
  readonly salt: Uint8Array;
  readonly traceparent: string | null;
  readonly receivedAtMs: number;
  /** Set for a proposal. */
  readonly proposedAtMs: number | null;
}

/** The origin of a request that runs as it comes. */
export function originOf({ peer, traceparent, receivedAtMs }: RequestContext): Origin {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const id = uuidV7(receivedAtMs);
  return { id, peer, salt, traceparent, receivedAtMs, proposedAtMs: null };
}

export function reservationOf(
  request: ParsedRequest,
  registered: RegisteredAction,
  approval: Approval | null,
  origin: Origin,
  parts: EngineParts,
  start: Start | null = null,
): Reservation {
  const { id, peer, salt, traceparent, receivedAtMs, proposedAtMs } = origin;
  return {
    record: {
      id,
      action: request.action,
      nonce: request.nonce,
      mode: parts.ledger.mode,
      peer,
      approval: approval?.reference ?? null,
      handlerDigest: registered.digest,
      requestCommitment: commitment(salt, request.actionDigest),
      resultCommitment: null,
      code: null,
      traceId: traceparent?.split("-")[1] ?? null,
      proposedAtMs,
      receivedAtMs,
      startedAtMs: null,
      settledAtMs: null,
      logIndex: null,
      resolution: null,
    },
    body: {
      canonical: request.canonical,
      salt,
      approvalText: request.approval === null || approval === null
        ? null
        : request.approval.canonical,
    },
    retention: retentionOf(request.action, parts.config),
    claim: approval,
    recheck: (nowMs) => approval === null ? undefined : parts.trust.recheck(approval, nowMs),
    start,
  };
}
