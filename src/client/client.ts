/**
 * The SDK's client: what an agent or a service asks of one daemon.
 *
 * Invariant: `execute` serialises a request once and sends those bytes again when it retries, so
 * that the ledger recognises the request and starts it at most once.
 */

import { type Clock, systemClock } from "../core/clock.ts";
import { utf8Encode } from "../core/bytes.ts";
import type { JsonObject } from "../core/types.ts";
import type { Verification } from "../log/verification.ts";
import { type VerifyOptions, verifyReceipt } from "../log/verify_receipt.ts";
import type { HandlerTypes, PayloadOf, ResultOf } from "./action.ts";
import type { ApproveOptions } from "./approval_terms.ts";
import { approveRequest, countersign } from "./approve.ts";
import { type ApproverKey, type ApproverSigner, signersOf } from "./approver_key.ts";
import {
  type CallOptions,
  type ConnectionOptions,
  DaemonConnection,
  type ExecuteOptions,
} from "./connection.ts";
import {
  type ActionDescription,
  actionsOf,
  type Description,
  descriptionOf,
  type Status,
  statusOf,
} from "./description.ts";
import { readable, refusalAsError } from "./errors.ts";
import { type Execution, executionOf } from "./execution.ts";
import { listExecutions, waitUntilSettled } from "./executions.ts";
import { hashesOf, objectOf } from "./json.ts";
import { Operator } from "./operator.ts";
import type { Proposal } from "./proposals/proposal.ts";
import { type ProposeOptions, type WaitOptions, waitUntilOver } from "./proposals/proposals.ts";
import { Proposer } from "./proposals/proposer.ts";
import { type ExecutionRequest, newRequest, requestText } from "./request.ts";

type Keys = ApproverKey | ApproverSigner | readonly (ApproverKey | ApproverSigner)[];

const WAIT_MS = 30_000;

export class OpenExecClient extends Proposer {
  readonly #connection: DaemonConnection;
  readonly #clock: Clock;

  constructor(options: ConnectionOptions & { readonly clock?: Clock }) {
    const connection = new DaemonConnection(options);
    super(connection);
    this.#connection = connection;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Makes a request with a fresh nonce, and sends nothing.
   * Throws OpenExecError (payload_not_i_json, request_malformed).
   */
  request(
    action: string,
    payload: unknown = {},
    options: { readonly nonce?: string } = {},
  ): ExecutionRequest {
    try {
      return newRequest(action, payload, options.nonce);
    } catch (error) {
      throw refusalAsError(error);
    }
  }

  /** Types payload and result of one action by a handler's definition. */
  action<Handler extends HandlerTypes>(name: string): TypedAction<Handler> {
    return new TypedAction(this, name);
  }

  /**
   * Signs a new approval, with each key. Throws RangeError for impossible terms and for a request
   * that carries an approval already. Throws OpenExecError or OpenExecUnreachable when it has to
   * ask for `aud`.
   */
  async approve(
    request: ExecutionRequest,
    keys: Keys,
    options: ApproveOptions = {},
  ): Promise<ExecutionRequest> {
    if (request.approval !== undefined) {
      throw new RangeError(
        "the request carries an approval: countersign() signs that, approveRequest() replaces it",
      );
    }
    const signers = signersOf(keys);
    const iss = options.iss ?? signers[0]?.name;
    if (iss === undefined || iss === null) {
      throw new RangeError("iss is missing, and the key names no approver");
    }
    const terms = { ...options, iss, ...await this.#destination(options) };
    try {
      return await approveRequest(request, signers, terms, this.#nowSeconds());
    } catch (error) {
      throw refusalAsError(error);
    }
  }

  /**
   * Adds a signature to the approval that the request carries, if its terms are those given. The
   * defaults are those of a new approval: one use, 300 seconds, the daemon's audience and tenant.
   * Throws CarriedTermError for other terms, else as `approve`.
   */
  async countersign(
    request: ExecutionRequest,
    keys: Keys,
    options: ApproveOptions = {},
  ): Promise<ExecutionRequest> {
    const { aud, tenant = null } = await this.#destination(options);
    const accepted = { ...options, aud, tenant };
    try {
      return await countersign(request, signersOf(keys), accepted, this.#nowSeconds());
    } catch (error) {
      throw refusalAsError(error);
    }
  }

  /**
   * Runs a request, or finds out how it ended. Resolves when it succeeded, now or earlier.
   * Rejects with OpenExecError (see its `effect`), OpenExecUnreachable, or the signal's reason.
   */
  async execute(request: ExecutionRequest, options: ExecuteOptions = {}): Promise<Execution> {
    const body = utf8Encode(requestText(request));
    const waitSeconds = Math.ceil((options.waitMs ?? WAIT_MS) / 1000);
    const headers = {
      ...(waitSeconds > 0 ? { Prefer: `wait=${waitSeconds}` } : {}),
      ...(options.traceparent === undefined ? {} : { traceparent: options.traceparent }),
    };
    const answer = await this.#connection.post("/execute", body, headers, options, null);
    return readable(executionOf(answer));
  }

  /** Rejects with OpenExecError execution_not_found where there is none that this peer may see. */
  get(id: string, call: CallOptions = {}): Promise<Execution> {
    const path = `/executions/${encodeURIComponent(id)}`;
    return this.#connection.read(path, executionOf, call);
  }

  /** Finds an execution by the nonce of its request. Rejects as `get` does. */
  getByNonce(nonce: string, call: CallOptions = {}): Promise<Execution> {
    const path = `/executions?nonce=${encodeURIComponent(nonce)}`;
    return this.#connection.read(path, executionOf, call);
  }

  /**
   * Lists executions this peer may see, newest first: `limit` of them (1 to 1000, by default 20),
   * or all there are. `before` is the id to go on from.
   */
  list(
    page: { readonly limit?: number; readonly before?: string } = {},
    call: CallOptions = {},
  ): Promise<readonly Execution[]> {
    return listExecutions(this.#connection, page, call);
  }

  /**
   * Waits until a proposal is over; see outcomeOf(). It outlasts a daemon that goes away and comes
   * back. With `waitMs` it may resolve with one that is still undecided.
   */
  waitFor(
    target: { readonly proposal: string },
    options?: WaitOptions,
  ): Promise<Proposal>;
  /** Polls until an execution is settled, however it ended. Finds it by its id or its nonce. */
  waitFor(
    target: { readonly id: string } | { readonly nonce: string },
    call?: CallOptions,
  ): Promise<Execution>;
  waitFor(
    target: { readonly proposal: string } | { readonly id: string } | { readonly nonce: string },
    call: WaitOptions = {},
  ): Promise<Proposal | Execution> {
    if ("proposal" in target) {
      const nowMs = () => this.#clock.nowMs();
      return waitUntilOver(this.#connection, { id: target.proposal }, call, nowMs);
    }
    const look = () =>
      "id" in target ? this.get(target.id, call) : this.getByNonce(target.nonce, call);
    return waitUntilSettled(look, call.signal);
  }

  /** Says which daemon this is: `executor_id` is the `aud` of approvals for it. */
  describe(call: CallOptions = {}): Promise<Description> {
    return this.#connection.read("/", descriptionOf, call);
  }

  /** Lists the actions this socket may ask for: name, schema, approvals, permissions, digest. */
  actions(call: CallOptions = {}): Promise<readonly ActionDescription[]> {
    return this.#connection.read("/actions", actionsOf, call);
  }

  /** Describes the daemon, its health (an unwell daemon is no error here), and if it takes work. */
  async status(call: CallOptions = {}): Promise<Status> {
    const once = { ...call, retry: false };
    const description = await this.#connection.get("/", once);
    const health = await this.#connection.get("/health", once, [503]);
    const ready = await this.#connection.get("/ready", once, [503]);
    return readable(statusOf(description, health, ready));
  }

  /** Gets the newest signed checkpoint of the log (C2SP tlog-checkpoint), to keep elsewhere. */
  checkpoint(call: CallOptions = {}): Promise<string> {
    return this.#connection.text("/log/checkpoint", call);
  }

  /** Gets a receipt by its log index, with its inclusion proof. */
  receipt(logIndex: number, call: CallOptions = {}): Promise<JsonObject> {
    return this.#connection.read(`/receipts/${logIndex}`, objectOf, call);
  }

  /**
   * Gets the hashes (32 bytes each, RFC 9162) which prove that the log of `to` entries, by default
   * the newest, continues the one of `from`.
   */
  consistency(
    from: number,
    to?: number,
    call: CallOptions = {},
  ): Promise<readonly Uint8Array[]> {
    const query = to === undefined ? `from=${from}` : `from=${from}&to=${to}`;
    return this.#connection.read(`/log/consistency?${query}`, hashesOf, call);
  }

  /**
   * Verifies an execution's receipt. It asks the daemon for the proof that the log holds it; the
   * verdict rests on the keys in `options`. The function of this name needs no daemon.
   */
  async verifyReceipt(
    execution: Execution,
    options: VerifyOptions,
    call: CallOptions = {},
  ): Promise<Verification> {
    const { log_index } = execution;
    const logged = options.proof === undefined && log_index !== null
      ? await this.receipt(log_index, call)
      : {};
    const proof = logged["tlog_proof"];
    return verifyReceipt(
      JSON.stringify(execution),
      typeof proof === "string" ? { ...options, proof } : options,
    );
  }

  /** The operator's acts, where the socket is an admin socket. */
  get operator(): Operator {
    return new Operator(this.#connection);
  }

  /** Ends kept connections. */
  close(): void {
    this.#connection.close();
  }

  #nowSeconds(): number {
    return this.#clock.nowMs() / 1000;
  }

  async #destination(terms: ApproveOptions): Promise<{ aud: string; tenant?: string }> {
    const { executor_id: aud, tenant: required } = terms.aud === undefined
      ? await this.describe(terms)
      : { executor_id: terms.aud, tenant: null };
    const tenant = terms.tenant ?? required;
    return tenant === null ? { aud } : { aud, tenant };
  }
}

/** One action of the daemon, with payload and result typed by its handler's definition. */
export class TypedAction<Handler extends HandlerTypes> {
  constructor(readonly client: OpenExecClient, readonly name: string) {}

  request(
    payload: PayloadOf<Handler>,
    options: { readonly nonce?: string } = {},
  ): ExecutionRequest {
    return this.client.request(this.name, payload, options);
  }

  propose(payload: PayloadOf<Handler>, options: ProposeOptions = {}): Promise<Proposal> {
    return this.client.propose(this.name, payload, options);
  }

  /** The daemon has checked the result against the handler's output schema. */
  async execute(
    request: ExecutionRequest,
    options: ExecuteOptions = {},
  ): Promise<Execution<ResultOf<Handler>>> {
    return await this.client.execute(request, options) as Execution<ResultOf<Handler>>;
  }

  async get(id: string, call: CallOptions = {}): Promise<Execution<ResultOf<Handler>>> {
    return await this.client.get(id, call) as Execution<ResultOf<Handler>>;
  }
}
