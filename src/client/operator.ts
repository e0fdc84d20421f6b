/** What an operator may do, through an admin socket; every other socket answers `admin_only`. Each act leaves a receipt. */

import { canonicalJson } from "../core/canonical_json.ts";
import { utf8Encode } from "../core/encoding.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { CallOptions, Connection } from "./connection.ts";
import { unreadableAnswer } from "./errors.ts";
import { type Execution, executionOf } from "./execution.ts";
import { isJsonObject } from "./json.ts";

export interface Pruned {
  readonly bodies: number;
  readonly buckets: number;
  /** Whether nothing that has expired is left. */
  readonly done: boolean;
}

export class Operator {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What the daemon measures: work, ledger, log, executors. */
  status(call: CallOptions = {}): Promise<JsonObject> {
    return this.#connection.get("/admin/status", call).then(asObject);
  }

  /** Prometheus text. */
  metrics(call: CallOptions = {}): Promise<string> {
    return this.#connection.text("/metrics", call);
  }

  /** From its answer on, nothing new starts; what runs goes on. */
  async halt(call: CallOptions = {}): Promise<void> {
    await this.#post("halt", {}, call);
  }

  async resume(call: CallOptions = {}): Promise<void> {
    await this.#post("resume", {}, call);
  }

  /** Withdraws an approval, also one that nobody has used yet. What it started already goes on. */
  async revoke(iss: string, jti: string, call: CallOptions = {}): Promise<void> {
    await this.#post("revoke", { iss, jti }, call);
  }

  /** Declares what came of an execution whose outcome is unknown. `note`: why, 1 to 1000 characters, for the receipt. */
  async resolve(
    id: string,
    as: "succeeded" | "failed",
    note: string,
    call: CallOptions = {},
  ): Promise<Execution> {
    const execution = executionOf(await this.#post("resolve", { id, as, note }, call));
    if (execution === undefined) throw unreadableAnswer(200);
    return execution;
  }

  /** Destroys what has expired, all of it, however long that takes. */
  async prune(call: CallOptions = {}): Promise<Pruned> {
    const { bodies, buckets, done } = asObject(await this.#post("prune", {}, call, null));
    if (typeof bodies !== "number" || typeof buckets !== "number") throw unreadableAnswer(200);
    return { bodies, buckets, done: done === true };
  }

  /** A consistent copy, without vault keys, into a directory of the daemon's host; absolute, and empty or not there yet. */
  async backup(directory: string, call: CallOptions = {}): Promise<JsonObject> {
    return asObject(await this.#post("backup", { directory }, call, null));
  }

  /** An act is asked for once: whether a broken connection carried it is for the operator to look at. */
  #post(act: string, body: JsonObject, call: CallOptions, timeoutMs?: null): Promise<Json> {
    const bytes = utf8Encode(canonicalJson(body));
    return this.#connection.post(`/admin/${act}`, bytes, {}, { ...call, retry: false }, timeoutMs);
  }
}

function asObject(value: Json): JsonObject {
  if (!isJsonObject(value)) throw unreadableAnswer(200);
  return value;
}
