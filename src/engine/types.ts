/** A request's context, its turns and its answer, and the parts that decide it. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Config, SocketConfig } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { type ErrorCode, Refusal } from "../core/errors.ts";
import type { ProposalStatus } from "../core/proposal.ts";
import type { Meter, Peer } from "../core/types.ts";
import type { Executors } from "../executor/pool.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { ProposalRecord } from "../ledger/proposals/types.ts";
import type { Receipt } from "../log/receipt.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";
import type { RefusalJournal } from "./refusals.ts";
import type { ParsedRequest } from "./request.ts";
import type { TrustGate } from "./trust.ts";
import type { ExecutionView } from "./view.ts";

/** Holds a caller to how much may be done for it. */
export interface Charge {
  /** Measures what is. */
  readonly meter?: Meter | undefined;
  /** Waits for its turn again, as others may have waited for the same; false: it has gone. */
  readonly again?: (() => Promise<boolean>) | undefined;
  /** The same, in the middle of what takes long. */
  readonly goOn?: () => Promise<boolean>;
}

/** Who asks for what is its own. */
export interface Asker extends Charge {
  readonly peer: Peer;
}

/** Everything that the server knows of a request beside its body. */
export interface RequestContext extends Asker {
  readonly socket: SocketConfig;
  readonly receivedAtMs: number;
  /** From the Idempotency-Key header; null when absent. */
  readonly idempotencyKey: string | null;
  /** From `Prefer: wait=N`; 0 when absent. */
  readonly waitMs: number;
  /** W3C traceparent, checked; null when absent. */
  readonly traceparent: string | null;
}

/** Who looks: what of others may be seen, and what of it may be asked for. */
export interface Viewer extends Charge {
  /** Only this uid's own; null: everyone's. */
  readonly uid: number | null;
  /** Only these actions; null: every action. */
  readonly actions: ReadonlySet<string> | null;
  /** Whether all is shown that a decision needs. */
  readonly isReviewer: boolean;
}

/** Whether something of that uid and action may be seen. */
export function isVisible(
  { uid, actions }: Viewer,
  seen: { readonly uid: number; readonly action: string },
): boolean {
  return (uid === null || uid === seen.uid) && (actions?.has(seen.action) ?? true);
}

/** An execution that succeeded, or a refusal or failure; `execution` is set once reserved. */
export type Answer =
  | { readonly ok: true; readonly execution: ExecutionView }
  | {
    readonly ok: false;
    readonly code: ErrorCode;
    readonly detail: string;
    readonly execution: ExecutionView | null;
  };

/** How far one request got: its log line, metrics and refusal receipt are made from this. */
export interface Attempt {
  readonly context: RequestContext;
  readonly stations: Stopwatch;
  /** Set once the body was parsed: from then on a refusal leaves a receipt. */
  request: ParsedRequest | null;
  /** Set once something was reserved. */
  execution: ExecutionView | null;
}

export type Station = "parse" | "replay" | "verify" | "check" | "reserve" | "run" | "settle";

/** Measures how many microseconds an attempt spends at each station. */
export class Stopwatch {
  readonly #micros = new Map<Station, number>();
  #since = performance.now();

  /** Ends a station that began where the one before it ended. */
  passed(station: Station): void {
    const now = performance.now();
    this.#micros.set(station, Math.round((now - this.#since) * 1000));
    this.#since = now;
  }

  get micros(): ReadonlyMap<Station, number> {
    return this.#micros;
  }
}

/** The parts that the engine stands on. The daemon hands in every clock, key and store. */
export interface EngineParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly executors: Executors;
  readonly trust: TrustGate;
  readonly refusals: RefusalJournal;
  readonly sign: (receipt: Receipt) => SignedReceipt;
  /** Called with every attempt when it is answered. */
  readonly observe: (attempt: Attempt, answer: Answer) => void;
  /** Called with every change of a proposal. */
  readonly observeProposal: (record: ProposalRecord, status: ProposalStatus) => void;
  /** Tells somebody that proposals wait, with this text; null where nobody is to be told. */
  readonly notify: ((text: string) => Promise<void>) | null;
  /** Called where a notice could not be handed over. */
  readonly onNotifyFailure: (error: unknown) => void;
  /** Called with the cause where an outcome could not be recorded; the caller learns the code. */
  readonly onUnsettled: (execution: string, error: unknown) => void;
  /** Called with the cause where an outcome was recorded, but its result or reason was not. */
  readonly onUnstored: (execution: string, error: unknown) => void;
  /** Called with the cause of every bug; the caller only learns `internal_error`. */
  readonly onBug: (error: unknown) => void;
}

/** Lets others go first. Throws request_malformed for a caller who has gone. */
export async function goOn({ goOn }: Charge): Promise<void> {
  if (goOn === undefined) await nextTurn();
  else if (!await goOn()) throw gone();
}

/** Nobody reads the answer. */
export function gone(): Refusal {
  return new Refusal("request_malformed", "The connection closed before the answer.");
}
