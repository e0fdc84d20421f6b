/** Does what an operator asks (engine/operator.ts); each act's receipt is in the log before it is answered. */

import type { Clock } from "../core/clock.ts";
import { Refusal } from "../core/errors.ts";
import type { JsonObject, Peer } from "../core/types.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { PruneReport } from "../ledger/types.ts";
import {
  type AdministrativeAct,
  adminReceipt,
  type Receipt,
  resolutionReceipt,
} from "../log/receipt.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";
import { formatTime } from "../log/time.ts";
import type { ExecutionView } from "./types.ts";
import type { Operator, Resolution } from "./operator.ts";
import { executionView, loadSettled } from "./view.ts";

/** Bodies destroyed in one transaction: small enough that requests in between do not notice. */
export const PRUNE_BATCH = 256;

export interface OperateParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly sign: (receipt: Receipt) => SignedReceipt;
  /** Told how many bodies were destroyed. */
  readonly onPruned: (bodies: number) => void;
}

export class Operation implements Operator {
  constructor(private readonly parts: OperateParts) {}

  async halt(peer: Peer): Promise<void> {
    await this.parts.ledger.setHalted(true, this.#receipt("halt", peer, null));
  }

  async resume(peer: Peer): Promise<void> {
    await this.parts.ledger.setHalted(false, this.#receipt("resume", peer, null));
  }

  async revoke(iss: string, jti: string, peer: Peer): Promise<void> {
    await this.parts.ledger.revoke(iss, jti, this.#receipt("revoke", peer, { iss, jti }));
  }

  async resolve({ id, as, note }: Resolution, peer: Peer): Promise<ExecutionView> {
    const { ledger, clock, sign } = this.parts;
    const record = ledger.find(id);
    if (record === undefined) throw new Refusal("execution_not_found");
    const from = record.status;
    if (from !== "timed_out" && from !== "crashed" && from !== "outcome_unknown") {
      throw new Refusal("not_resolvable");
    }
    const resolved = { executionId: id, from, as, note, peer, atMs: clock.nowMs() };
    const receipt = sign(resolutionReceipt(ledger.executorId, resolved));
    return executionView(loadSettled(await ledger.resolve(id, as, receipt), ledger), false);
  }

  async prune(peer: Peer): Promise<PruneReport> {
    const total = await pruneAll(this.parts, true);
    const { bodies, buckets } = total;
    await this.parts.ledger.append([this.#receipt("prune", peer, { bodies, buckets })], true);
    return total;
  }

  async backup(directory: string, peer: Peer): Promise<JsonObject> {
    await this.parts.ledger.append([this.#receipt("backup", peer, null)], true);
    await this.parts.ledger.backup(directory);
    return { directory, log_size: this.parts.ledger.log.size() };
  }

  #receipt(
    act: AdministrativeAct["act"],
    peer: Peer,
    detail: AdministrativeAct["detail"],
  ): SignedReceipt {
    const { ledger, clock, sign } = this.parts;
    return sign(adminReceipt(ledger.executorId, { act, peer, atMs: clock.nowMs(), detail }));
  }
}

/** Batch after batch until nothing that has expired is left. */
export async function pruneAll(
  { ledger, onPruned }: Pick<OperateParts, "ledger" | "onPruned">,
  force: boolean,
): Promise<PruneReport> {
  let bodies = 0;
  let buckets = 0;
  while (true) {
    const report = await ledger.prune(PRUNE_BATCH, force);
    bodies += report.bodies;
    buckets += report.buckets;
    onPruned(report.bodies);
    if (report.done) return { bodies, buckets, done: true };
  }
}

/** What `openexec restore` could not sign: that it took place, and up to when approvals are refused for it. */
export async function recordRestore(
  { ledger, sign }: Pick<OperateParts, "ledger" | "sign">,
): Promise<void> {
  const restored = ledger.unrecordedRestore();
  if (restored === null) return;
  const { atMs, fenceSeconds } = restored;
  const detail = { fence: formatTime(fenceSeconds * 1000) };
  await ledger.recordRestore(
    sign(adminReceipt(ledger.executorId, { act: "restore", peer: null, atMs, detail })),
  );
}
