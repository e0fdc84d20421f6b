/**
 * The promises of the ledger as a model: a few maps and no database. Used by
 * ledger_history.test.ts.
 *
 * Times are ms. `apply` returns what the ledger must answer, and changes the model.
 */

import { bucketFor } from "../../src/ledger/vault/keys.ts";

export const RETENTION_MS = 24 * 3_600_000;

export type Step =
  | {
    readonly kind: "reserve";
    readonly nonce: string;
    readonly jti: string;
    readonly body: number;
    readonly expired: boolean;
  }
  | { readonly kind: "settle"; readonly nonce: string }
  | { readonly kind: "revoke"; readonly jti: string }
  | { readonly kind: "halt"; readonly halted: boolean };

/** How many uses each approval of the histories has. */
export const USES: Readonly<Record<string, number>> = { single: 1, other: 1, several: 3 };

interface Execution {
  status: "reserved" | "succeeded";
  bucketMs: number;
}

interface Approval {
  taken: number;
  body: number;
  bucketMs: number;
  revoked: boolean;
}

export class Model {
  executions: Record<string, Execution> = {};
  approvals: Record<string, Approval> = {};
  destroyedUntilMs = 0;
  /** Buckets that were kept then, for an execution that was still open. */
  spared: number[] = [];
  halted = false;
  paused = false;

  copy(): Model {
    return Object.assign(new Model(), structuredClone({ ...this }));
  }

  key(): string {
    return JSON.stringify(this);
  }

  apply(step: Step, nowMs: number): string {
    if (step.kind === "reserve") return this.#reserve(step, nowMs);
    if (step.kind === "settle") return this.#settle(step.nonce);
    if (step.kind === "halt") this.halted = step.halted;
    else this.approvals[step.jti] = { ...this.#approval(step.jti), revoked: true };
    return "ok";
  }

  prune(nowMs: number, force: boolean): void {
    if (force) this.paused = false;
    if (this.paused) return;
    const open = Object.values(this.executions).filter(({ status }) => status === "reserved");
    const keptBefore = (bucketMs: number) =>
      bucketMs > this.destroyedUntilMs || this.spared.includes(bucketMs);
    this.spared = [...new Set(open.map(({ bucketMs }) => bucketMs))].filter((ms) =>
      ms <= nowMs && keptBefore(ms)
    );
    this.destroyedUntilMs = nowMs;
  }

  /** Whether what was sealed in that bucket can still be read. */
  readable(bucketMs: number): boolean {
    return bucketMs > this.destroyedUntilMs || this.spared.includes(bucketMs);
  }

  #reserve(
    { nonce, jti, body, expired }: Extract<Step, { kind: "reserve" }>,
    nowMs: number,
  ): string {
    if (this.halted) return "halted";
    if (expired) return "approval_expired";
    if (this.executions[nonce] !== undefined) return "nonce_reused";
    const known = this.#approval(jti);
    const uses = USES[jti] ?? 1;
    if (known.revoked) return "approval_revoked";
    if (known.taken >= uses) return "approval_already_used";
    if (known.taken > 0 && (known.body !== body || !this.readable(known.bucketMs))) {
      return "approval_already_used";
    }
    const bucketMs = bucketFor(nowMs, RETENTION_MS);
    this.executions[nonce] = { status: "reserved", bucketMs };
    this.approvals[jti] = { ...known, taken: known.taken + 1, body, bucketMs };
    return "ok";
  }

  #settle(nonce: string): string {
    const execution = this.executions[nonce];
    if (execution?.status !== "reserved") return "not open";
    execution.status = "succeeded";
    return "ok";
  }

  #approval(jti: string): Approval {
    return this.approvals[jti] ?? { taken: 0, body: 0, bucketMs: 0, revoked: false };
  }
}
