/**
 * The SDK's client: what an agent or a service asks of one daemon.
 *
 * Invariant: `execute` serialises a request once and sends those bytes again when it retries, so that the ledger
 * recognises the request and starts it at most once.
 */

import { type Clock, systemClock } from "../core/clock.ts";
import { utf8Encode } from "../core/encoding.ts";
import { Refusal } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { type HandlerTypes, TypedAction } from "./action.ts";
import type { ApprovalTerms } from "./approval_terms.ts";
import { approveRequest, countersign } from "./approve.ts";
import type { ApproverKey } from "./approver_key.ts";
import { type CallOptions, Connection, type ConnectionOptions } from "./connection.ts";
import {
  type ActionDescription,
  actionsOf,
  type Description,
  descriptionOf,
  type Status,
  statusOf,
} from "./description.ts";
import { errorOfRefusal, unreadableAnswer } from "./errors.ts";
import { type Execution, executionOf, executionsOf, type ExecutionsPage } from "./execution.ts";
import { hashesOf, isJsonObject } from "./json.ts";
import { type ExecutionRequest, newRequest, requestText } from "./request.ts";
import type { Verification } from "../log/verification.ts";
import { type VerifyOptions, verifyReceipt } from "../log/verify_receipt.ts";
import { Operator } from "./operator.ts";
import { sleep } from "./retry.ts";

export interface ExecuteOptions extends CallOptions {
  /** How long to wait for a run that is already in flight; 30 s by default, sent as `Prefer: wait=N`. */
  readonly waitMs?: number;
  /** W3C trace context, handed on to the handler. */
  readonly traceparent?: string;
}

/** Terms that the client can find out by itself may be left out: `aud` and `tenant` are asked of the daemon. */
export interface ApproveOptions extends Partial<ApprovalTerms> {
  readonly signal?: AbortSignal;
}

const LIST_DEFAULT = 20;
const WAIT_MS = 30_000;
const POLL_MS = 50;
const POLL_MS_MAX = 1_000;

export class OpenExecClient {
  readonly #connection: Connection;
  readonly #clock: Clock;

  constructor(options: ConnectionOptions & { readonly clock?: Clock }) {
    this.#connection = new Connection(options);
    this.#clock = options.clock ?? systemClock;
  }

  /** A request with a fresh nonce. Throws OpenExecError (payload_not_i_json, request_malformed); sends nothing. */
  request(
    action: string,
    payload: unknown = {},
    options: { readonly nonce?: string } = {},
  ): ExecutionRequest {
    return asErrors(() => newRequest(action, payload, options.nonce));
  }

  /** The same, with payload and result typed by a handler's definition. */
  action<Handler extends HandlerTypes>(name: string): TypedAction<Handler> {
    return new TypedAction(this, name);
  }

  /**
   * Signs a new approval, with each key. Throws RangeError for impossible terms, and for a request that carries an approval
   * already, OpenExecError, and OpenExecUnreachable when `aud` has to be asked.
   */
  async approve(
    request: ExecutionRequest,
    keys: ApproverKey | readonly ApproverKey[],
    options: ApproveOptions = {},
  ): Promise<ExecutionRequest> {
    if (request.approval !== undefined) {
      throw new RangeError(
        "the request carries an approval: countersign() signs that, approveRequest() replaces it",
      );
    }
    const signers = listOf(keys);
    const iss = options.iss ?? signers[0]?.name;
    if (iss === undefined || iss === null) {
      throw new RangeError("iss is missing, and the key names no approver");
    }
    const terms = { ...options, iss, ...await this.#destination(options) };
    return asErrors(() => approveRequest(request, signers, terms, this.#nowSeconds()));
  }

  /**
   * Adds a signature to the approval that the request carries, where its terms are those given: as for a new approval, one use and
   * 300 seconds unless `options` say otherwise, and the daemon's own audience and tenant. Throws CarriedTermError where they are
   * not, else as `approve`.
   */
  async countersign(
    request: ExecutionRequest,
    keys: ApproverKey | readonly ApproverKey[],
    options: ApproveOptions = {},
  ): Promise<ExecutionRequest> {
    const { aud, tenant = null } = await this.#destination(options);
    const accepted = { ...options, aud, tenant };
    return asErrors(() => countersign(request, listOf(keys), accepted, this.#nowSeconds()));
  }

  /**
   * Runs it, or finds out what came of it. Resolves when it succeeded, now or earlier.
   * Rejects with OpenExecError (see its `effect`), OpenExecUnreachable, or the signal's reason.
   */
  async execute(request: ExecutionRequest, options: ExecuteOptions = {}): Promise<Execution> {
    const body = utf8Encode(requestText(request));
    const waitSeconds = Math.ceil((options.waitMs ?? WAIT_MS) / 1000);
    const headers = {
      ...(waitSeconds > 0 ? { Prefer: `wait=${waitSeconds}` } : {}),
      ...(options.traceparent === undefined ? {} : { traceparent: options.traceparent }),
    };
    return executionIn(await this.#connection.post("/execute", body, headers, options, null));
  }

  /** Rejects with OpenExecError execution_not_found where there is none that this peer may see. */
  async get(id: string, call: CallOptions = {}): Promise<Execution> {
    return executionIn(await this.#connection.get(`/executions/${encodeURIComponent(id)}`, call));
  }

  /** As `get`. */
  async getByNonce(nonce: string, call: CallOptions = {}): Promise<Execution> {
    return executionIn(
      await this.#connection.get(`/executions?nonce=${encodeURIComponent(nonce)}`, call),
    );
  }

  /**
   * Executions this peer may see, newest first: `limit` of them (1 to 1000, by default 20) or all there are, however the daemon
   * divides them. `before` is the id to go on from.
   */
  async list(
    page: { readonly limit?: number; readonly before?: string } = {},
    call: CallOptions = {},
  ): Promise<readonly Execution[]> {
    const { limit = LIST_DEFAULT, before = null } = page;
    let { executions, next } = await this.#page(limit, before, call);
    while (next !== null && executions.length < limit) {
      const more = await this.#page(limit - executions.length, next, call);
      executions = [...executions, ...more.executions];
      next = more.next;
    }
    return executions;
  }

  /** Polls until it is settled, however it ended. Takes an execution (by id) or a request (by nonce). */
  async waitFor(
    target: { readonly id: string } | { readonly nonce: string },
    call: CallOptions = {},
  ): Promise<Execution> {
    for (let delayMs = POLL_MS;; delayMs = Math.min(POLL_MS_MAX, delayMs * 2)) {
      const execution =
        await ("id" in target ? this.get(target.id, call) : this.getByNonce(target.nonce, call));
      if (execution.status !== "reserved") return execution;
      await sleep(delayMs, call.signal);
    }
  }

  /** Which daemon this is: `executor_id` is the `aud` of approvals for it. */
  async describe(call: CallOptions = {}): Promise<Description> {
    return required(descriptionOf(await this.#connection.get("/", call)));
  }

  /** The registered actions this socket may ask for: name, input schema, approvals needed, grants, handler digest. */
  async actions(call: CallOptions = {}): Promise<readonly ActionDescription[]> {
    return required(actionsOf(await this.#connection.get("/actions", call)));
  }

  /** Who it is, how it feels (also when that is unwell, which is no error here), and whether it takes work. */
  async status(call: CallOptions = {}): Promise<Status> {
    const once = { ...call, retry: false };
    const description = await this.#connection.get("/", once);
    const health = await this.#connection.get("/health", once, [503]);
    const ready = await this.#connection.get("/ready", once, [503]);
    return required(statusOf(description, health, ready));
  }

  /** The newest signed checkpoint of the log (C2SP tlog-checkpoint), to keep elsewhere. */
  checkpoint(call: CallOptions = {}): Promise<string> {
    return this.#connection.text("/log/checkpoint", call);
  }

  /** A receipt by its log index, with its inclusion proof. */
  async receipt(logIndex: number, call: CallOptions = {}): Promise<JsonObject> {
    const receipt = await this.#connection.get(`/receipts/${logIndex}`, call);
    return required(isJsonObject(receipt) ? receipt : undefined);
  }

  /** Hashes (32 bytes each, RFC 9162) that the log of `to` entries, the newest by default, continues the one of `from`. */
  async consistency(
    from: number,
    to?: number,
    call: CallOptions = {},
  ): Promise<readonly Uint8Array[]> {
    const query = to === undefined ? `from=${from}` : `from=${from}&to=${to}`;
    return required(hashesOf(await this.#connection.get(`/log/consistency?${query}`, call)));
  }

  /**
   * Verifies an execution's receipt, with the proof that the log holds it, which the daemon is asked for. The verdict rests
   * on the keys in `options`; whoever has no daemon to ask calls the function of this name.
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

  /** What an operator may do, where the socket is an admin socket. */
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

  async #page(limit: number, before: string | null, call: CallOptions): Promise<ExecutionsPage> {
    const from = before === null ? "" : `&before=${encodeURIComponent(before)}`;
    return required(
      executionsOf(await this.#connection.get(`/executions?limit=${limit}${from}`, call)),
    );
  }

  async #destination(terms: ApproveOptions): Promise<{ aud: string; tenant?: string }> {
    if (terms.aud !== undefined) {
      return terms.tenant === undefined
        ? { aud: terms.aud }
        : { aud: terms.aud, tenant: terms.tenant };
    }
    const daemon = await this.describe(terms);
    const tenant = terms.tenant ?? daemon.tenant;
    return tenant === null ? { aud: daemon.executor_id } : { aud: daemon.executor_id, tenant };
  }
}

/** An answer of status 200 whose body is not what the route gives. */
function required<T>(value: T | undefined): T {
  if (value === undefined) throw unreadableAnswer(200);
  return value;
}

function executionIn(body: Json): Execution {
  return required(executionOf(body));
}

function listOf<T>(one: T | readonly T[]): readonly T[] {
  return isList(one) ? one : [one];
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

/** Refusals that needed no daemon look like any other. */
function asErrors<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof Refusal ? errorOfRefusal(error) : error;
  }
}
