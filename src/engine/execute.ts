/**
 * The story of one request, from its bytes to its answer, one step after another:
 *
 * parse -> replay? -> open? -> find action -> verify approval -> check input
 * -> take a slot -> reserve -> run -> settle
 *
 * Invariants:
 * - Nothing starts before `ledger.reserve` resolved. After it, only an outcome is answered (G1 to
 *   G3 of docs/guarantees.md).
 * - The request that reserved is answered after its settlement and receipt (G8). A caller that
 *   hangs up changes nothing: the run belongs to the daemon (runs.ts).
 * - Among several causes, the first in the order of core/errors.ts is reported; inside of an
 *   approval, in the order of its scheme.
 */

import { ERRORS, Refusal } from "../core/errors.ts";
import { EXECUTE_MEMBERS } from "../core/limits.ts";
import type { ActionConfig } from "../config/config.ts";
import type { Approval } from "../approval/verify.ts";
import type { RegisteredAction } from "../executor/types.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import {
  findAction,
  originOf,
  refuseWhileClosed,
  reservationOf,
  type Started,
  Starter,
} from "./starter.ts";
import { ProposalDesk } from "./proposals/desk.ts";
import { isReplay, NonceQueue } from "./replay.ts";
import { type ParsedRequest, parseRequest } from "./request.ts";
import { RequestReader } from "./request_reader.ts";
import { Runs } from "./runs.ts";
import {
  type Answer,
  type Attempt,
  type EngineParts,
  type RequestContext,
  Stopwatch,
} from "./types.ts";
import { type ExecutionView, executionView } from "./view.ts";

export class Engine {
  readonly runs: Runs;
  /** Requests that wait for a person. */
  readonly proposals: ProposalDesk;
  readonly requests = new RequestReader();
  readonly #nonces = new NonceQueue();
  readonly #starter: Starter;

  constructor(private readonly parts: EngineParts) {
    this.runs = new Runs(parts, this.requests);
    this.#starter = new Starter(parts, this.runs);
    this.proposals = new ProposalDesk(
      parts,
      this.runs,
      this.#starter,
      this.#nonces,
      this.requests,
    );
  }

  /** Never rejects: a refusal is an Answer, a bug is internal_error. */
  async execute(body: Uint8Array, context: RequestContext): Promise<Answer> {
    const attempt: Attempt = {
      context,
      stations: new Stopwatch(),
      request: null,
      execution: null,
    };
    const answer = await this.#decide(body, attempt).catch((error: unknown) =>
      this.#refuse(error, attempt)
    );
    this.parts.observe(attempt, answer);
    return answer;
  }

  /** Refuses new work from now on; resolves when what runs has settled, or after `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    this.proposals.drain();
    await this.runs.drain(limitMs);
  }

  async #decide(body: Uint8Array, attempt: Attempt): Promise<Answer> {
    const { context, stations } = attempt;
    const text = await this.requests.read(body, EXECUTE_MEMBERS, context);
    const request = attempt.request = parseRequest(text, context.idempotencyKey);
    stations.passed("parse");
    // A twin's record becomes readable before its run is registered: wait for its turn first.
    await this.#nonces.whenFree(context.peer, request.nonce);
    this.#refuseProposed(request, context);
    const known = this.#findOwn(request, context);
    if (known !== undefined) return await this.#replay(known, request, attempt);
    refuseWhileClosed(this.parts, this.runs);
    const { action, registered } = findAction(request.action, context.socket, this.parts);
    const approval = this.#verifyApproval(request, action, registered, context);
    stations.passed("verify");
    return await this.runs.keepUntilDone(
      this.#reserveAndRun(request, registered, approval, attempt),
    );
  }

  /** The execution of this uid under this nonce. Only the reservation sees another uid's. */
  #findOwn(request: ParsedRequest, context: RequestContext): ExecutionRecord | undefined {
    const known = this.parts.ledger.findByNonce(request.nonce);
    return known?.peer.uid === context.peer.uid ? known : undefined;
  }

  /** Damage to what was stored must not be answered as if nothing had run. */
  async #replay(known: ExecutionRecord, request: ParsedRequest, attempt: Attempt): Promise<Answer> {
    try {
      return await this.#storedOutcome(known, request, attempt);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "ledger_unavailable") throw error;
      throw new Refusal("outcome_unknown", `It was reserved before. ${error.detail}`);
    }
  }

  async #storedOutcome(
    known: ExecutionRecord,
    request: ParsedRequest,
    attempt: Attempt,
  ): Promise<Answer> {
    const { context, stations } = attempt;
    if (!isReplay(known, request, context.peer, this.parts)) throw new Refusal("nonce_reused");
    const execution = attempt.execution = await this.runs.outcomeOf(
      known,
      context.waitMs,
      context,
    );
    stations.passed("replay");
    if (execution.status === "reserved") throw new Refusal("execution_in_flight");
    return answerOf({ ...execution, replayed: true });
  }

  /** A nonce that this uid proposed under is the proposal's, for as long as that is known. */
  #refuseProposed({ nonce }: ParsedRequest, { peer }: RequestContext): void {
    const proposal = this.parts.ledger.proposals.findByNonce(peer.uid, nonce);
    if (proposal === undefined) return;
    if (this.proposals.views.isOver(proposal)) throw new Refusal("nonce_reused");
    throw new Refusal(
      "execution_in_flight",
      "A proposal under this nonce waits for a decision, or runs; ask for that one.",
    );
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

  /** Waits for a twin that is being reserved: of the two, one runs and the other is its replay. */
  async #reserveAndRun(
    request: ParsedRequest,
    registered: RegisteredAction,
    approval: Approval | null,
    attempt: Attempt,
  ): Promise<Answer> {
    const { context } = attempt;
    for (let turn; (turn = this.#nonces.turnOf(context.peer, request.nonce)) !== undefined;) {
      await turn;
      const twin = this.#findOwn(request, context);
      if (twin !== undefined) return await this.#replay(twin, request, attempt);
    }
    const endTurn = this.#nonces.take(context.peer, request.nonce);
    const leave = this.#starter.enter(context.peer.uid);
    try {
      const started = await this.#start(request, registered, approval, attempt).finally(endTurn);
      attempt.execution = await started.run.catch((error: unknown) => {
        attempt.execution = unsettledView(started);
        throw error;
      });
      return answerOf(attempt.execution);
    } finally {
      leave();
    }
  }

  /** Resolves once the request is reserved and on its way. */
  async #start(
    request: ParsedRequest,
    registered: RegisteredAction,
    approval: Approval | null,
    attempt: Attempt,
  ): Promise<Started> {
    const { context, stations } = attempt;
    await this.parts.executors.check(request.action, request.canonical, context.peer.uid);
    stations.passed("check");
    if (this.#starter.isQueued(request.action)) throw new Refusal("executor_busy");
    return await this.#starter.start(
      this.#starter.acquire(request.action, context.peer.uid),
      () => reservationOf(request, registered, approval, originOf(context), this.parts),
      context.traceparent,
      stations,
    );
  }

  #refuse(error: unknown, attempt: Attempt): Answer {
    const { request, execution, context } = attempt;
    const refusal = error instanceof Refusal ? error : new Refusal("internal_error");
    if (refusal !== error) this.parts.onBug(error);
    if (request !== null && execution === null) {
      this.parts.refusals.note(refusal.code, request, context.peer);
    }
    return { ok: false, code: refusal.code, detail: refusal.detail, execution };
  }
}

/** The view of what was started, and whose outcome could not be recorded. */
function unsettledView({ record, body: { salt } }: Started): ExecutionView {
  const nothing = { result: null, reason: null, receipt: null, resolution: null };
  return executionView(record, { ...nothing, requestSalt: salt });
}

function answerOf(execution: ExecutionView): Answer {
  if (execution.status === "succeeded") return { ok: true, execution };
  const code = execution.code ?? "outcome_unknown";
  return { ok: false, code, detail: ERRORS[code].help, execution };
}
