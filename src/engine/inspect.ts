/**
 * Answers every GET: executions, receipts, proofs, actions, and the daemon's health.
 *
 * Invariant: an execution that its viewer may not see is answered exactly as one that does not
 * exist.
 */

import type { ActionConfig, SocketConfig } from "../config/config.ts";
import { base64Encode } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { seatsJson } from "../core/approvers_needed.ts";
import type { JsonObject } from "../core/types.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import { leafHash, rootOf } from "../log/tree.ts";
import { consistencyProof, inclusionProof } from "../log/proof.ts";
import { decodeReceipt } from "../log/receipt.ts";
import { receiptEnvelope } from "../log/signed_receipt.ts";
import { formatTlogProof } from "../log/tlog_proof.ts";
import type { DaemonMetrics } from "../telemetry/daemon_metrics.ts";
import { formatTime } from "../log/time.ts";
import type { LogHead } from "./checkpoints.ts";
import type { Engine } from "./execute.ts";
import { keyEntries } from "./keys.ts";
import { type Asker, type EngineParts, goOn, isVisible, type Viewer } from "./types.ts";
import {
  type ExecutionView,
  executionView,
  loadView,
  openListed,
  type ViewedLedger,
} from "./view.ts";
import {
  type ActionView,
  type ConsistencyProofView,
  type ExecutionsView,
  healthOf,
  type HealthView,
  type InclusionProofView,
  type KeysView,
  type ReceiptView,
  type ServiceView,
} from "./views.ts";

export class Inspector {
  constructor(
    private readonly parts: EngineParts,
    private readonly engine: Pick<Engine, "runs" | "proposals" | "requests">,
    private readonly head: LogHead,
    private readonly version: string,
    private readonly counted: () => Pick<DaemonMetrics, "measures" | "render"> | null,
  ) {}

  service(): ServiceView {
    return {
      service: "OpenExec",
      status: this.ready() ? "running" : "unavailable",
      version: this.version,
      executor_id: this.parts.ledger.executorId,
      tenant: this.parts.trust.tenant,
    };
  }

  health(): HealthView {
    return healthOf(this.parts, this.engine.runs.isDraining);
  }

  /** false while the ledger or the executors fail, or the daemon drains or is halted. */
  ready(): boolean {
    return this.health().status === "healthy";
  }

  /** The actions that this socket may ask for. */
  actions(socket: SocketConfig): readonly ActionView[] {
    const { config } = this.parts;
    const isAllowed = ({ name }: ActionConfig) =>
      [socket.actions, config.allowedActions].every((allowed) => allowed?.has(name) ?? true);
    return [...config.actions.values()].filter(isAllowed).flatMap((action) =>
      this.#actionView(action)
    );
  }

  /** Throws a Refusal: execution_not_found. */
  find(id: string, viewer: Viewer): Promise<ExecutionView> {
    return this.#view(this.parts.ledger.find(id), viewer);
  }

  /** Throws a Refusal: execution_not_found. */
  findByNonce(nonce: string, viewer: Viewer): Promise<ExecutionView> {
    return this.#view(this.parts.ledger.findByNonce(nonce), viewer);
  }

  /** At most `limit`, fewer where they are large; `before` is an id to go on from. */
  list(viewer: Viewer, limit: number, before: string | null): Promise<ExecutionsView> {
    return executionsPage(this.parts.ledger, viewer, limit, before);
  }

  /** Throws a Refusal: execution_not_found. */
  receipt(logIndex: number, viewer: Viewer): ReceiptView {
    const { log } = this.parts.ledger;
    const receipt = log.leaf(logIndex);
    if (receipt === undefined || !isReceiptSeen(receipt.body, viewer)) {
      throw new Refusal("execution_not_found");
    }
    const { size, text } = this.head.newest();
    const hashes = inclusionProof(log, logIndex, size);
    return {
      log_index: logIndex,
      attestation: receiptEnvelope(receipt),
      tlog_proof: formatTlogProof({ index: logIndex, hashes, checkpoint: text, extra: null }),
    };
  }

  /** The receipts that name the executor's keys, the first one first. */
  keys(): KeysView {
    const { log } = this.parts.ledger;
    return {
      keys: keyEntries(log).flatMap((log_index) => {
        const receipt = log.leaf(log_index);
        return receipt === undefined ? [] : [{ log_index, attestation: receiptEnvelope(receipt) }];
      }),
    };
  }

  /** The newest signed checkpoint (C2SP tlog-checkpoint). */
  checkpoint(): string {
    return this.head.newest().text;
  }

  /** `size` null: the newest. Throws a Refusal execution_not_found: no such leaf or tree. */
  inclusionProof(logIndex: number, size: number | null): InclusionProofView {
    const { log } = this.parts.ledger;
    const tree_size = size ?? log.size();
    const leaf = log.leaf(logIndex);
    if (leaf === undefined || logIndex >= tree_size || tree_size > log.size()) throw noSuchTree();
    return {
      log_index: logIndex,
      tree_size,
      leaf_hash: base64Encode(leafHash(leaf.body)),
      root_hash: base64Encode(rootOf(log, tree_size)),
      hashes: inclusionProof(log, logIndex, tree_size).map(base64Encode),
    };
  }

  /** `to` null: the newest. Throws a Refusal execution_not_found unless 0 < from <= to <= size. */
  consistencyProof(from: number, to: number | null): ConsistencyProofView {
    const { log } = this.parts.ledger;
    const newer = to ?? log.size();
    if (from < 1 || from > newer || newer > log.size()) throw noSuchTree();
    return {
      from,
      to: newer,
      from_root_hash: base64Encode(rootOf(log, from)),
      root_hash: base64Encode(rootOf(log, newer)),
      hashes: consistencyProof(log, from, newer).map(base64Encode),
    };
  }

  /** Does what isLegacyReceipt() of result.ts does, and throws as it does. */
  isLegacyReceipt(body: Uint8Array, asker: Asker): Promise<boolean> {
    return this.engine.requests.isLegacyReceipt(body, asker);
  }

  /** The answer that `openexec status` shows. */
  status(): JsonObject {
    const { ledger, executors } = this.parts;
    const { waiting, oldestMs } = this.engine.proposals.statistics();
    return {
      version: this.version,
      executor_id: ledger.executorId,
      ...this.health(),
      in_flight: this.engine.runs.size,
      proposals: {
        waiting,
        oldest: oldestMs === null ? null : formatTime(oldestMs),
      },
      ledger: { ...ledger.statistics(), ...ledger.health() },
      executors: { ...executors.statistics(), healthy: executors.healthy() },
      unreachable: [...executors.unreachable()],
      ...this.counted()?.measures(),
    };
  }

  /** Prometheus text exposition format 0.0.4. */
  metrics(): string {
    return this.counted()?.render() ?? "";
  }

  async #view(record: ExecutionRecord | undefined, viewer: Viewer): Promise<ExecutionView> {
    if (record === undefined || !isSeen(record, viewer)) throw new Refusal("execution_not_found");
    return await loadView(record, this.parts.ledger, viewer.meter);
  }

  #actionView(action: ActionConfig): ActionView[] {
    const registered = this.parts.executors.actions.get(action.name);
    if (registered === undefined) return [];
    const { net, read, write, env, run, unix } = action.allow;
    return [{
      name: action.name,
      ...registered.presentation,
      idempotent: action.idempotent,
      input_schema: registered.inputSchema,
      output_schema: registered.outputSchema,
      approvals: this.parts.ledger.mode === "demo" ? 0 : seatsJson(action),
      require: action.require,
      grants: { net, read, write, env, run, unix },
      handler_digest: registered.digest,
    }];
  }
}

function isSeen({ peer: { uid }, action }: ExecutionRecord, viewer: Viewer): boolean {
  return isVisible(viewer, { uid, action });
}

/** Everyone may see which keys sign; a viewer sees what else is about its own, or its actions. */
function isReceiptSeen(body: Uint8Array, { uid, actions }: Viewer): boolean {
  if (uid === null && actions === null) return true;
  const receipt = decodeReceipt(body);
  if (receipt?.kind === "key") return true;
  if (receipt === undefined || !("peer" in receipt) || receipt.peer === undefined) return false;
  const action = "action" in receipt ? receipt.action : undefined;
  const isOfActions = actions === null || action !== undefined && actions.has(action);
  return (uid === null || receipt.peer.uid === uid) && isOfActions;
}

function noSuchTree(): Refusal {
  return new Refusal("execution_not_found", "The log has no such entry, or no tree of that size.");
}

/** How much text a page opens before it ends, in UTF-16 code units: it is held in memory whole. */
const PAGE_TEXT_LENGTH = 2 ** 20;

/**
 * A page of executions, newest first. The event loop has a turn after each, so that other requests
 * wait for one at most. A page that ends early says how to go on; none is empty but the last.
 */
export async function executionsPage(
  ledger: ViewedLedger & Pick<Ledger, "list">,
  viewer: Viewer,
  limit: number,
  before: string | null,
): Promise<ExecutionsView> {
  const executions: ExecutionView[] = [];
  let textLength = 0;
  let last = before;
  for (;;) {
    const from = last === null ? {} : { before: last };
    const [record] = ledger.list({ uid: viewer.uid, limit: 1, ...from });
    if (record === undefined) return { executions, next: null };
    if (!isSeen(record, viewer)) {
      last = record.id;
      await goOn(viewer);
      continue;
    }
    const isFull = executions.length === limit || textLength >= PAGE_TEXT_LENGTH;
    if (isFull) return { executions, next: last };
    const opened = await openListed(record, ledger, viewer.meter);
    executions.push(executionView(record, opened));
    textLength += opened.textLength;
    last = record.id;
    await goOn(viewer);
  }
}
