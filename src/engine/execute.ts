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
import type { Approval } from "../approval/verify.ts";
import type { RegisteredAction } from "../executor/executor.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import type { Attempt } from "./attempt.ts";
import type { Answer, Engine, RequestContext } from "./types.ts";
import type { EngineParts } from "./parts.ts";
import { isReplay } from "./replay.ts";
import { type ParsedRequest, parseRequest } from "./request.ts";
import { reservationOf } from "./reservation.ts";
import { Runs } from "./runs.ts";
import { stopwatch } from "./stopwatch.ts";
import { Turns } from "./turns.ts";
import { executionView, type Settled } from "./view.ts";

export class ExecutionEngine implements Engine {
  readonly runs: Runs;
  readonly #turns = new Turns();
  /** Requests being reserved or run: limits.in_flight is their number. Whoever only waits for another's outcome is none. */
  #working = 0;

  constructor(private readonly parts: EngineParts) {
    this.runs = new Runs(parts);
  }

  async execute(body: Uint8Array, context: RequestContext): Promise<Answer> {
    const attempt: Attempt = { context, stations: stopwatch(), request: null, execution: null };
    const answer = await this.#decide(body, attempt).catch((error: unknown) =>
      this.#refuse(error, attempt)
    );
    this.parts.observe(attempt, answer);
    return answer;
  }

  get isDraining(): boolean {
    return this.runs.draining;
  }

  async drain(limitMs: number): Promise<void> {
    await this.runs.drain(limitMs);
  }

  async #decide(body: Uint8Array, attempt: Attempt): Promise<Answer> {
    const { context, stations } = attempt;
    const request = attempt.request = parseRequest(body, context.idempotencyKey);
    stations.passed("parse");
    // what a copy has just written down can be read before its run can be waited for
    await this.#turns.ended(context.peer, request.nonce);
    const known = this.#own(request, context);
    if (known !== undefined) return await this.#replay(known, request, attempt);
    this.#refuseWhileClosed();
    const { action, registered } = this.#findAction(request, context);
    const approval = this.#verifyApproval(request, action, registered, context);
    stations.passed("verify");
    this.parts.schemas.check(request.action, toValue(request.payload));
    stations.passed("check");
    return await this.runs.hold(this.#reserveAndRun(request, registered, approval, attempt));
  }

  /** The execution that this peer's uid made under this nonce; another uid's is only met in the reservation. */
  #own(request: ParsedRequest, context: RequestContext): ExecutionRecord | undefined {
    const known = this.parts.ledger.findByNonce(request.nonce);
    return known?.peer.uid === context.peer.uid ? known : undefined;
  }

  async #replay(known: ExecutionRecord, request: ParsedRequest, attempt: Attempt): Promise<Answer> {
    if (!isReplay(known, request, attempt.context.peer, this.parts)) {
      throw new Refusal("nonce_reused");
    }
    const execution = attempt.execution = await this.runs.outcomeOf(known, attempt.context.waitMs);
    attempt.stations.passed("replay");
    if (execution.record.status === "reserved") throw new Refusal("execution_in_flight");
    return answerOf(execution, true);
  }

  #refuseWhileClosed(): void {
    if (this.parts.ledger.health().halted) throw new Refusal("halted");
    if (this.isDraining) throw new Refusal("draining");
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
    return this.parts.trust.verify(request, action, registered.digest, context.peer);
  }

  /** A copy of this request that is being reserved is waited for: of two, one runs and the other is its replay. */
  async #reserveAndRun(
    request: ParsedRequest,
    registered: RegisteredAction,
    approval: Approval | null,
    attempt: Attempt,
  ): Promise<Answer> {
    const { context } = attempt;
    for (let turn; (turn = this.#turns.before(context.peer, request.nonce)) !== undefined;) {
      await turn;
      const twin = this.#own(request, context);
      if (twin !== undefined) return await this.#replay(twin, request, attempt);
    }
    const endTurn = this.#turns.take(context.peer, request.nonce);
    this.#working++;
    try {
      const { settled } = await this.#start(request, registered, approval, attempt).finally(
        endTurn,
      );
      attempt.execution = await settled;
      return answerOf(attempt.execution, false);
    } finally {
      this.#working--;
    }
  }

  /** Resolves once it is reserved and on its way. */
  async #start(
    request: ParsedRequest,
    registered: RegisteredAction,
    approval: Approval | null,
    attempt: Attempt,
  ): Promise<{ readonly settled: Promise<Settled> }> {
    const { context, stations } = attempt;
    const reservation = reservationOf(request, registered, approval, context, this.parts);
    if (this.#working > this.parts.config.limits.inFlight) {
      throw new Refusal("executor_busy", "The daemon is working on as many requests as it may.");
    }
    const slot = this.parts.executors.acquire(request.action);
    const record = await this.parts.ledger.reserve(reservation).catch((error: unknown) => {
      slot.release();
      throw error;
    });
    stations.passed("reserve");
    const requestSalt = reservation.body.salt;
    attempt.execution = { record, result: null, requestSalt, receipt: null };
    const order = {
      record,
      canonical: request.canonical,
      requestSalt,
      traceparent: context.traceparent,
    };
    return { settled: this.runs.start(order, slot, stations) };
  }

  #refuse(error: unknown, attempt: Attempt): Answer {
    const { request, execution, context } = attempt;
    const refusal = error instanceof Refusal ? error : new Refusal("internal_error");
    if (refusal !== error) this.parts.onBug(error);
    if (request !== null && execution === null) {
      this.parts.refusals.note(refusal.code, request, context.peer);
    }
    return {
      ok: false,
      code: refusal.code,
      detail: refusal.detail,
      execution: execution === null ? null : executionView(execution, false),
    };
  }
}

function answerOf(settled: Settled, replayed: boolean): Answer {
  const execution = executionView(settled, replayed);
  const { status, code } = settled.record;
  if (status === "succeeded") return { ok: true, execution };
  const reported = code ?? "outcome_unknown";
  return { ok: false, code: reported, detail: ERRORS[reported].help, execution };
}
