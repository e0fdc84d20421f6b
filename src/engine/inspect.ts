/** Answers what can be looked at (engine/inspector.ts): executions, receipts, proofs, actions, and how the daemon is. */

import type { ActionConfig, SocketConfig } from "../config/config.ts";
import { base64Encode } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { JsonNode } from "../core/json.ts";
import { pythonJson } from "../core/python_json.ts";
import type { JsonObject } from "../core/types.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import { leafHash, rootOf } from "../log/tree.ts";
import { consistencyProof, inclusionProof } from "../log/proof.ts";
import { decodeReceipt } from "../log/receipt.ts";
import { receiptEnvelope } from "../log/signed_receipt.ts";
import { formatTlogProof } from "../log/tlog_proof.ts";
import type { ExecutionView } from "./engine.ts";
import { executionsPage } from "./executions_page.ts";
import { healthOf, type HealthParts } from "./health.ts";
import type {
  ActionView,
  ConsistencyProofView,
  ExecutionsView,
  HealthView,
  InclusionProofView,
  Inspector,
  ReceiptView,
  ServiceView,
} from "./inspector.ts";
import type { LogHead } from "./log_head.ts";
import type { EngineParts } from "./parts.ts";
import type { Runs } from "./runs.ts";
import { executionView, legacyReceiptOf, loadSettled } from "./view.ts";

export interface InspectParts extends EngineParts, HealthParts {
  readonly runs: Runs;
  readonly head: LogHead;
  readonly version: string;
  readonly metricsText: () => string;
}

export class Inspection implements Inspector {
  constructor(private readonly parts: InspectParts) {}

  service(): ServiceView {
    const { version, executorId, trust } = this.parts;
    const status = this.ready() ? "running" : "unavailable";
    return { service: "OpenExec", status, version, executor_id: executorId, tenant: trust.tenant };
  }

  health(): HealthView {
    return healthOf(this.parts);
  }

  ready(): boolean {
    return this.health().status === "healthy";
  }

  actions(socket: SocketConfig): readonly ActionView[] {
    const { config } = this.parts;
    const isAllowed = ({ name }: ActionConfig) =>
      [socket.actions, config.allowedActions].every((allowed) => allowed?.has(name) ?? true);
    return [...config.actions.values()].filter(isAllowed).flatMap((action) =>
      this.#actionView(action)
    );
  }

  find(id: string, visibleTo: number | null): ExecutionView {
    return this.#view(this.parts.ledger.find(id), visibleTo);
  }

  findByNonce(nonce: string, visibleTo: number | null): ExecutionView {
    return this.#view(this.parts.ledger.findByNonce(nonce), visibleTo);
  }

  list(visibleTo: number | null, limit: number, before: string | null): Promise<ExecutionsView> {
    return executionsPage(this.parts.ledger, { visibleTo, limit, before });
  }

  receipt(logIndex: number, visibleTo: number | null): ReceiptView {
    const { ledger, head } = this.parts;
    const receipt = ledger.log.leaf(logIndex);
    if (receipt === undefined || !isVisible(receipt.body, visibleTo)) {
      throw new Refusal("execution_not_found");
    }
    const { size, text } = head.newest();
    const hashes = inclusionProof(ledger.log, logIndex, size);
    return {
      log_index: logIndex,
      attestation: receiptEnvelope(receipt),
      tlog_proof: formatTlogProof({ index: logIndex, hashes, checkpoint: text, extra: null }),
    };
  }

  checkpoint(): string {
    return this.parts.head.newest().text;
  }

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

  /** OpenExec's clients send the result as the text that was hashed; whoever has only the value may send that. */
  isLegacyReceipt(executionId: string, result: JsonNode, receipt: string): boolean {
    const texts = [
      pythonJson(result, "default"),
      ...(result.kind === "string" ? [result.value] : []),
    ];
    return texts.some((text) => legacyReceiptOf(executionId, text) === receipt);
  }

  status(): JsonObject {
    const { ledger, executors, runs, version, executorId } = this.parts;
    return {
      version,
      executor_id: executorId,
      ...this.health(),
      in_flight: runs.size,
      ledger: { ...ledger.statistics(), ...ledger.health() },
      executors: { ...executors.statistics(), healthy: executors.healthy() },
    };
  }

  metrics(): string {
    return this.parts.metricsText();
  }

  #view(record: ExecutionRecord | undefined, visibleTo: number | null): ExecutionView {
    const isHidden = visibleTo !== null && record?.peer.uid !== visibleTo;
    if (record === undefined || isHidden) throw new Refusal("execution_not_found");
    return executionView(loadSettled(record, this.parts.ledger), false);
  }

  #actionView(action: ActionConfig): ActionView[] {
    const registered = this.parts.executors.actions.get(action.name);
    if (registered === undefined) return [];
    const { net, read, write, env, run } = action.allow;
    return [{
      name: action.name,
      input_schema: registered.inputSchema,
      output_schema: registered.outputSchema,
      approvals: this.parts.ledger.mode === "demo" ? 0 : action.approvals,
      grants: { net, read, write, env, run },
      handler_digest: registered.digest,
    }];
  }
}

/** Everyone may see which keys sign; what else is in the log is seen by the uid it is about. */
function isVisible(body: Uint8Array, visibleTo: number | null): boolean {
  if (visibleTo === null) return true;
  const receipt = decodeReceipt(body);
  if (receipt?.kind === "key") return true;
  return receipt !== undefined && "peer" in receipt && receipt.peer?.uid === visibleTo;
}

function noSuchTree(): Refusal {
  return new Refusal("execution_not_found", "The log has no such entry, or no tree of that size.");
}
