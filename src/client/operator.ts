/**
 * The operator's acts, through an admin socket. Any other socket answers `admin_only`. Each act
 * leaves a receipt.
 */

import { canonicalJson } from "../core/json/canonical_json.ts";
import { utf8Encode } from "../core/bytes.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { CallOptions, DaemonConnection } from "./connection.ts";
import { readable, unreadableAnswer } from "./errors.ts";
import { type Execution, executionOf } from "./execution.ts";
import { objectOf } from "./json.ts";

export interface Pruned {
  readonly bodies: number;
  readonly buckets: number;
  /** Whether all that has expired is gone. */
  readonly done: boolean;
}

export class Operator {
  readonly #connection: DaemonConnection;

  constructor(connection: DaemonConnection) {
    this.#connection = connection;
  }

  /** Gets the daemon's measurements: work, ledger, log, executors. */
  status(call: CallOptions = {}): Promise<JsonObject> {
    return this.#connection.read("/admin/status", objectOf, call);
  }

  /** Gets the metrics as Prometheus text. */
  metrics(call: CallOptions = {}): Promise<string> {
    return this.#connection.text("/metrics", call);
  }

  /** Stops new executions from its answer on; running ones go on. */
  async halt(call: CallOptions = {}): Promise<void> {
    await this.#post("halt", {}, call);
  }

  async resume(call: CallOptions = {}): Promise<void> {
    await this.#post("resume", {}, call);
  }

  /** Withdraws an approval, used or unused. An execution it has started goes on. */
  async revoke(iss: string, jti: string, call: CallOptions = {}): Promise<void> {
    await this.#post("revoke", { iss, jti }, call);
  }

  /**
   * Declares how an execution of unknown outcome ended. `note` says why, in 1 to 1000 characters,
   * for the receipt.
   */
  async resolve(
    id: string,
    as: "succeeded" | "failed",
    note: string,
    call: CallOptions = {},
  ): Promise<Execution> {
    return readable(executionOf(await this.#post("resolve", { id, as, note }, call)));
  }

  /** Destroys everything that has expired, however long that takes. */
  async prune(call: CallOptions = {}): Promise<Pruned> {
    const { bodies, buckets, done } = readable(
      objectOf(await this.#post("prune", {}, call, null)),
    );
    if (typeof bodies !== "number" || typeof buckets !== "number") throw unreadableAnswer(200);
    return { bodies, buckets, done: done === true };
  }

  /**
   * Makes a consistent copy, without vault keys, in a directory of the daemon's host. The path is
   * absolute, and the directory is empty or not there yet.
   */
  async backup(directory: string, call: CallOptions = {}): Promise<JsonObject> {
    return readable(objectOf(await this.#post("backup", { directory }, call, null)));
  }

  /** Sends an act once: only the operator can see if a broken connection carried it. */
  #post(act: string, body: JsonObject, call: CallOptions, timeoutMs?: null): Promise<Json> {
    const bytes = utf8Encode(canonicalJson(body));
    return this.#connection.post(`/admin/${act}`, bytes, {}, { ...call, retry: false }, timeoutMs);
  }
}
