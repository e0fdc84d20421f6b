/** What must hold after a crash campaign: what clients were told, what handlers left behind and the ledger agree. */

import { decodeReceipt } from "../../src/log/receipt.ts";
import type { ExecutionRecord } from "../../src/ledger/types.ts";
import { LedgerSnapshot } from "../../src/audit/snapshot.ts";
import type { Deed, Told } from "./daemon_client.ts";

/** A file that a handler left as it started. */
interface Mark {
  readonly label: string;
  readonly idempotencyKey: string;
  /** Another start of the same label was at work. */
  readonly beside: boolean;
}

export interface Books {
  readonly executions: number;
  readonly statuses: ReadonlyMap<string, number>;
  readonly starts: number;
  readonly proposals: number;
  /** How proposals ended, by what their clients did about them. */
  readonly ends: ReadonlyMap<string, number>;
  /** Whatever must not be, in words. */
  readonly violations: readonly string[];
}

export async function openBooks(directory: string, told: readonly Told[]): Promise<Books> {
  const snapshot = await LedgerSnapshot.open(`${directory}/state`);
  try {
    const violations: string[] = [];
    const records = new Map<string, ExecutionRecord>();
    const statuses = new Map<string, number>();
    for (const record of snapshot.all()) {
      if (records.has(record.nonce)) violations.push(`${record.nonce} has two executions`);
      records.set(record.nonce, record);
      const kind = `${record.action} ${record.status}`;
      statuses.set(kind, (statuses.get(kind) ?? 0) + 1);
      violations.push(...receiptOf(record, snapshot));
    }
    const ends = new Map<string, number>();
    for (const each of told) {
      const record = records.get(each.nonce);
      violations.push(
        ...each.did === undefined
          ? againstRecord(each, record)
          : againstProposal(each, each.did, record, snapshot),
      );
      if (each.did === undefined) continue;
      const end = `${each.did} ${each.outcome}`;
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    const marks = marksIn(`${directory}/marks`);
    for (const [label, left] of Map.groupBy(marks, ({ label }) => label)) {
      violations.push(...againstMarks(label, left, records.get(label)));
    }
    const started = new Set(marks.map(({ label }) => label));
    for (const { nonce, status } of records.values()) {
      if (status === "succeeded" && !started.has(nonce)) {
        violations.push(`${nonce} succeeded and never started`);
      }
    }
    const proposals = [...ends.values()].reduce((sum, times) => sum + times, 0);
    return {
      executions: records.size,
      statuses,
      starts: marks.length,
      proposals,
      ends,
      violations,
    };
  } finally {
    await snapshot.close();
  }
}

function receiptOf(
  { id, nonce, status, logIndex }: ExecutionRecord,
  { log }: LedgerSnapshot,
): string[] {
  const leaf = logIndex === null ? undefined : log.leaf(logIndex);
  const receipt = leaf === undefined ? undefined : decodeReceipt(leaf.body);
  if (receipt?.kind !== "execution") return [`${nonce}, ${status}, has no receipt`];
  const same = receipt.execution_id === id && receipt.status === status && receipt.nonce === nonce;
  return same ? [] : [`${nonce} has another's receipt`];
}

function againstRecord(
  { nonce, outcome, id }: Told,
  record: ExecutionRecord | undefined,
): string[] {
  if (outcome === "silence") {
    const status = record?.status ?? "absent";
    const possible = ["absent", "succeeded", "outcome_unknown"].includes(status);
    return possible ? [] : [`${nonce} was not answered and is ${status}`];
  }
  const known = outcome === "succeeded" || outcome === "outcome_unknown";
  if (!known) return [`${nonce} was answered ${outcome}`];
  const kept = record?.status === outcome && record.id === id;
  return kept
    ? []
    : [`${nonce} was answered ${outcome} as ${id} and is ${record?.status} as ${record?.id}`];
}

/** An end of a proposal that ran, and those that an expiry may have come before. */
const ENDS: Readonly<Record<Deed, readonly string[]>> = {
  approve: ["succeeded", "outcome_unknown", "expired"],
  decline: ["declined", "expired"],
  withdraw: ["withdrawn", "expired"],
  leave: ["expired"],
};

/** None is lost, none ended twice, and none ran that nobody approved. */
function againstProposal(
  { nonce, outcome, id }: Told,
  did: Deed,
  record: ExecutionRecord | undefined,
  snapshot: LedgerSnapshot,
): string[] {
  if (!ENDS[did].includes(outcome)) return [`${nonce}: ${did}, and was told ${outcome}`];
  const proposal = id === null ? undefined : snapshot.proposal(id);
  if (proposal === undefined) return [`${nonce}, ${outcome}, is lost`];
  const ran = outcome === "succeeded" || outcome === "outcome_unknown";
  if (!ran) {
    const kept = proposal.status === outcome && record === undefined;
    return kept ? [] : [`${nonce} was told ${outcome} and is ${proposal.status}`];
  }
  const kept = proposal.status === "started" && record?.id === id && record?.status === outcome;
  return kept ? [] : [`${nonce} was told ${outcome} as ${id} and is ${record?.status}`];
}

function againstMarks(
  label: string,
  marks: readonly Mark[],
  record: ExecutionRecord | undefined,
): string[] {
  if (record === undefined) return [`${label} was started and is not in the ledger`];
  const violations: string[] = [];
  if (record.action === "once" && marks.length > 1) {
    violations.push(`${label} was started ${marks.length} times`);
  }
  if (marks.some(({ beside }) => beside)) violations.push(`${label} was started beside itself`);
  const foreign = marks.some(({ idempotencyKey }) => idempotencyKey !== record.id);
  return foreign ? [...violations, `${label} had another idempotency key`] : violations;
}

function marksIn(folder: string): Mark[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => {
    const [label = "", idempotencyKey = "", , beside] = name.split(".");
    return { label, idempotencyKey, beside: beside !== undefined };
  });
}
