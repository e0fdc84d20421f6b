/** The ledger on LMDB: each operation in its own file, put together here. */

import type { Clock } from "../core/clock.ts";
import type { Mode } from "../core/types.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";
import { appendReceipt, logReader } from "./log.ts";
import { backup } from "./backup.ts";
import { advanceMark } from "./clock_mark.ts";
import type { Identity } from "./identity.ts";
import type {
  ExecutionRecord,
  Ledger,
  LedgerHealth,
  LedgerStatistics,
  LogReader,
  PruneReport,
  RequestBody,
  Reservation,
  ResultBody,
  Settlement,
} from "./types.ts";
import { findByNonce, findExecution, list, unsettled } from "./find.ts";
import type { StateLock } from "./disk/lock.ts";
import { resolve, revoke, setHalted } from "./operate.ts";
import type { LedgerParts } from "./parts.ts";
import { oldestExpiryMs, Pruner } from "./prune.ts";
import { reserve } from "./reserve.ts";
import { recordRestore, type Restoration, unrecordedRestore } from "./restored.ts";
import { OPERATOR_ATTEMPTS } from "./disk/space.ts";
import { settle } from "./settle.ts";
import type { Store } from "./store/store.ts";
import type { Vault } from "./vault/keys.ts";

export interface LmdbLedgerParts extends LedgerParts {
  readonly identity: Identity;
  readonly store: Store;
  readonly vault: Vault;
  readonly lock: StateLock;
}

export class LmdbLedger implements Ledger {
  readonly executorId: string;
  readonly mode: Mode;
  readonly log: LogReader;
  /** Never before the ledger's mark: the clock that the whole daemon goes by. */
  readonly clock: Clock;
  readonly #pruner: Pruner;
  #closed: Promise<void> | undefined;

  constructor(private readonly parts: LmdbLedgerParts) {
    this.executorId = parts.identity.executorId;
    this.mode = parts.identity.mode;
    this.clock = parts.clock;
    this.#pruner = new Pruner(parts, parts.vault);
    this.log = logReader(parts.tables, () => parts.commits.state().logSize);
  }

  findByNonce(nonce: string): ExecutionRecord | undefined {
    return findByNonce(this.parts.tables, nonce)?.record;
  }

  find(id: string): ExecutionRecord | undefined {
    return findExecution(this.parts.tables, id)?.record;
  }

  list(filter: { uid: number | null; limit: number; before?: string }): ExecutionRecord[] {
    return list(this.parts.tables, filter);
  }

  openRequest(id: string): RequestBody | undefined {
    const stored = findExecution(this.parts.tables, id);
    return stored === undefined ? undefined : this.parts.bodies.openRequest(stored);
  }

  openResult(id: string): ResultBody | undefined {
    const stored = findExecution(this.parts.tables, id);
    return stored === undefined ? undefined : this.parts.bodies.openResult(stored);
  }

  reserve(reservation: Reservation): Promise<ExecutionRecord> {
    return reserve(this.parts, reservation);
  }

  settle(settlement: Settlement, attempts?: number): Promise<ExecutionRecord> {
    return settle(this.parts, settlement, attempts);
  }

  unsettled(): ExecutionRecord[] {
    return unsettled(this.parts.tables);
  }

  async append(receipts: readonly SignedReceipt[], urgent = false): Promise<number> {
    const { tables, commits, room } = this.parts;
    if (!urgent) room.admitReceipts();
    return await room.insist(urgent ? OPERATOR_ATTEMPTS : 1, () =>
      commits.add((state) => {
        const first = state.logSize;
        for (const receipt of receipts) appendReceipt(tables, state, receipt);
        return first;
      }));
  }

  unrecordedRestore(): Restoration | null {
    return unrecordedRestore(this.parts.tables);
  }

  recordRestore(receipt: SignedReceipt): Promise<void> {
    return recordRestore(this.parts, receipt);
  }

  resolve(
    id: string,
    as: "succeeded" | "failed",
    receipt: SignedReceipt,
  ): Promise<ExecutionRecord> {
    return resolve(this.parts, id, as, receipt);
  }

  revoke(iss: string, jti: string, receipt: SignedReceipt): Promise<void> {
    return revoke(this.parts, iss, jti, receipt);
  }

  setHalted(halted: boolean, receipt: SignedReceipt): Promise<void> {
    return setHalted(this.parts, halted, receipt);
  }

  prune(limit: number, force = false): Promise<PruneReport> {
    return this.#pruner.run(limit, force);
  }

  backup(directory: string): Promise<void> {
    return backup(this.parts.store, directory);
  }

  health(): LedgerHealth {
    const { halted, pruningPaused } = this.parts.commits.state();
    return { refusing: this.parts.room.refusing(), halted, pruningPaused };
  }

  statistics(): LedgerStatistics {
    const { executions, unsettled, logSize } = this.parts.commits.state();
    return {
      executions,
      unsettled,
      logSize,
      fileBytes: this.parts.store.bytes,
      oldestUnprunedMs: oldestExpiryMs(this.parts),
    };
  }

  /** What is being written still is; then the state directory is free for the next daemon. May be called twice. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    const { commits, clock, store, lock } = this.parts;
    await commits.add((state) => void advanceMark(state, clock)).catch(() => {});
    await store.close();
    lock.release();
  }
}
