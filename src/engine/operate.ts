/**
 * The acts of an operator on a running daemon, over an admin socket only.
 *
 * Invariant: each act leaves an `admin` or `resolution` receipt that names the peer. The receipt is
 * in the log before the act is answered.
 */

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
import { type ExecutionView, loadView } from "./view.ts";

/** Bodies destroyed in one transaction: few enough for requests in between not to notice. */
const PRUNE_BATCH = 256;

export interface Resolution {
  readonly id: string;
  readonly as: "succeeded" | "failed";
  /** Why the operator thinks so, at most 1000 characters; it goes into the receipt. */
  readonly note: string;
}

/** Every act may throw a Refusal: ledger_unavailable, storage_full. */
export class Operator {
  constructor(
    private readonly ledger: Ledger,
    private readonly clock: Clock,
    private readonly sign: (receipt: Receipt) => SignedReceipt,
    /** Called with the number of bodies destroyed. */
    private readonly onPruned: (bodies: number) => void,
    /** Called when something that waits may be able to start, or an approval of it is gone. */
    private readonly onChange: () => Promise<void>,
  ) {}

  /** Once this resolves, nothing new starts; runs go on. */
  async halt(peer: Peer): Promise<void> {
    await this.ledger.setHalted(true, this.#receipt("halt", peer, null));
  }

  async resume(peer: Peer): Promise<void> {
    await this.ledger.setHalted(false, this.#receipt("resume", peer, null));
    await this.onChange();
  }

  /** Takes approvals never seen as well. A run that they already started goes on. */
  async revoke(iss: string, jti: string, peer: Peer): Promise<void> {
    await this.ledger.revoke(iss, jti, this.#receipt("revoke", peer, { iss, jti }));
    await this.onChange();
  }

  /** Throws a Refusal: execution_not_found, not_resolvable. */
  async resolve({ id, as, note }: Resolution, peer: Peer): Promise<ExecutionView> {
    const { ledger, clock, sign } = this;
    const record = ledger.find(id);
    if (record === undefined) throw new Refusal("execution_not_found");
    const from = record.status;
    if (from !== "timed_out" && from !== "crashed" && from !== "outcome_unknown") {
      throw new Refusal("not_resolvable");
    }
    const resolved = { executionId: id, from, as, note, peer, atMs: clock.nowMs() };
    const receipt = sign(resolutionReceipt(ledger.executorId, resolved));
    return await loadView(await ledger.resolve(id, as, receipt), ledger);
  }

  /** Destroys all that has expired, also while pruning is paused. */
  async prune(peer: Peer): Promise<PruneReport> {
    const total = await pruneAll(this.ledger, this.onPruned, true);
    const { bodies, buckets } = total;
    await this.ledger.append([this.#receipt("prune", peer, { bodies, buckets })], true);
    await this.onChange();
    return total;
  }

  /** Copies the ledger, without vault keys, into an absolute path that is empty or missing. */
  async backup(directory: string, peer: Peer): Promise<JsonObject> {
    await this.ledger.append([this.#receipt("backup", peer, null)], true);
    await this.ledger.backup(directory);
    return { directory, log_size: this.ledger.log.size() };
  }

  #receipt(
    act: AdministrativeAct["act"],
    peer: Peer,
    detail: AdministrativeAct["detail"],
  ): SignedReceipt {
    const { ledger, clock, sign } = this;
    return sign(adminReceipt(ledger.executorId, { act, peer, atMs: clock.nowMs(), detail }));
  }
}

/** Prunes batch after batch until nothing that has expired is left. */
export async function pruneAll(
  ledger: Pick<Ledger, "prune">,
  onPruned: (bodies: number) => void,
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

/** Signs the receipt that `openexec restore` could not: that it took place, and its fence. */
export async function recordRestore(
  ledger: Ledger,
  sign: (receipt: Receipt) => SignedReceipt,
): Promise<void> {
  const restored = ledger.unrecordedRestore();
  if (restored === null) return;
  const { atMs, fenceSeconds } = restored;
  const detail = { fence: formatTime(fenceSeconds * 1000) };
  await ledger.recordRestore(
    sign(adminReceipt(ledger.executorId, { act: "restore", peer: null, atMs, detail })),
  );
}
