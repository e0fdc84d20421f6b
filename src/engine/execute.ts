/**
 * The story of one request, from its bytes to its answer, one step after another:
 *
 *   parse -> replay? -> open? -> find action -> verify approval -> check input -> take a slot -> reserve -> run -> settle
 *
 * Invariants:
 * - Nothing is started before `ledger.reserve` resolved, and nothing refuses after it did (G1, G2, G3).
 * - Every answer after the reservation waits for the settlement, receipt included (G8); whoever hangs up changes nothing.
 * - Of several causes the first in the order of core/errors.ts is reported.
 */

import { ERRORS, Refusal } from "../core/errors.ts";
import { toValue } from "../core/json.ts";
import type { ActionConfig } from "../config/config.ts";
import type { Approval } from "../approval/approval.ts";
import type { RegisteredAction } from "../executor/executor.ts";
import type { ExecutionRecord } from "../ledger/ledger.ts";
import type { Answer, Engine, RequestContext } from "./engine.ts";
import type { EngineParts } from "./parts.ts";
import { isReplay } from "./replay.ts";
import { type ParsedRequest, parseRequest } from "./request.ts";
import { reservationOf } from "./reservation.ts";
import { Runs } from "./runs.ts";
import { stopwatch } from "./stopwatch.ts";

interface Attempt {
  readonly context: RequestContext;
  readonly stations: ReturnType<typeof stopwatch>;
  /** Set once the bytes made sense: from then on a refusal leaves a receipt. */
  request: ParsedRequest | null;
  /** Set once something was reserved. */
  record: ExecutionRecord | null;
}

export class ExecutionEngine implements Engine {
  readonly runs: Runs;
  #draining = false;

  constructor(private readonly parts: EngineParts) {
    this.runs = new Runs(parts);
  }

  async execute(body: Uint8Array, context: RequestContext): Promise<Answer> {
    const attempt: Attempt = { context, stations: stopwatch(), request: null, record: null };
    const answer = await this.#decide(body, attempt).catch((error: unknown) => this.#refuse(error, attempt));
    this.parts.observe(attempt, answer);
    return answer;
  }

  async drain(limitMs: number): Promise<void> {
    this.#draining = true;
    await this.runs.idle(limitMs);
  }

  async #decide(body: Uint8Array, attempt: Attempt): Promise<Answer> {
    const { context, stations } = attempt;
    const request = attempt.request = parseRequest(body, context.idempotencyKey);
    stations.passed("parse");
    const known = this.#own(request, context);
    if (known !== undefined) return await this.#replay(known, request, attempt);
    this.#refuseWhileClosed();
    const { action, registered } = this.#findAction(request, context);
    const approval = this.#verifyApproval(request, action, registered, context);
    stations.passed("verify");
    this.parts.schemas.check(request.action, toValue(request.payload));
    stations.passed("check");
    return await this.#reserveAndRun(request, action, registered, approval, attempt);
  }

  /** The execution that this peer's uid made under this nonce; another uid's is only met in the reservation. */
  #own(request: ParsedRequest, context: RequestContext): ExecutionRecord | undefined {
    const known = this.parts.ledger.findByNonce(request.nonce);
    return known?.peer.uid === context.peer.uid ? known : undefined;
  }

  async #replay(known: ExecutionRecord, request: ParsedRequest, attempt: Attempt): Promise<Answer> {
    if (!isReplay(known, request, attempt.context.peer, this.parts)) throw new Refusal("nonce_reused");
    const settled = await this.runs.outcomeOf(known, attempt.context.waitMs);
    attempt.record = settled;
    attempt.stations.passed("replay");
    if (settled.status === "reserved") throw new Refusal("execution_in_flight");
    return this.#answer(settled, true);
  }

  #refuseWhileClosed(): void {
    if (this.parts.ledger.health().halted) throw new Refusal("halted");
    if (this.#draining) throw new Refusal("draining");
  }

  #findAction(
    request: ParsedRequest,
    context: RequestContext,
  ): { action: ActionConfig; registered: RegisteredAction } {
    const { config, executors } = this.parts;
    for (const allowed of [context.socket.actions, config.allowedActions]) {
      if (allowed !== null && !allowed.has(request.action)) throw new Refusal("action_not_allowed");
    }
    const action = config.actions.get(request.action);
    const registered = executors.actions.get(request.action);
    if (action === undefined || registered === undefined) throw new Refusal("action_unknown");
    return { action, registered };
  }

  #verifyApproval(
    request: ParsedRequest,
    action: ActionConfig,
    registered: RegisteredAction,
    context: RequestContext,
  ): Approval | null {
    if (this.parts.ledger.mode === "demo") return null;
    if (request.approval === null) throw new Refusal("approval_missing");
    return this.parts.trust.verify(request, action, registered.digest, context.peer);
  }

  async #reserveAndRun(
    request: ParsedRequest,
    action: ActionConfig,
    registered: RegisteredAction,
    approval: Approval | null,
    attempt: Attempt,
  ): Promise<Answer> {
    const { ledger, executors } = this.parts;
    const slot = executors.acquire(request.action);
    try {
      const reservation = reservationOf(request, action, registered, approval, attempt.context, this.parts);
      attempt.record = await ledger.reserve(reservation);
    } catch (error) {
      slot.release();
      const known = this.#own(request, attempt.context);
      if (error instanceof Refusal && error.code === "nonce_reused" && known !== undefined) {
        return await this.#replay(known, request, attempt); // a twin of this request was quicker
      }
      throw error;
    }
    attempt.stations.passed("reserve");
    const settled = await this.runs.start(attempt.record, action, request.canonical, slot, attempt);
    attempt.record = settled;
    return this.#answer(settled, false);
  }

  #answer(record: ExecutionRecord, replayed: boolean): Answer {
    const execution = this.parts.view(record, replayed);
    if (record.status === "succeeded") return { ok: true, execution };
    const code = record.code ?? "outcome_unknown";
    return { ok: false, code, detail: ERRORS[code].help, execution };
  }

  #refuse(error: unknown, attempt: Attempt): Answer {
    const refusal = error instanceof Refusal ? error : this.parts.internalError(error);
    const { request, record, context } = attempt;
    if (request !== null && record === null) this.parts.refusals.note(refusal.code, request, context);
    const execution = record === null ? null : this.parts.view(record, false);
    return { ok: false, code: refusal.code, detail: refusal.detail, execution };
  }
}
