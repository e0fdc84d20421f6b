/** The audit of proposals, on a real ledger in which one thing is changed. */

import { expect, test } from "vitest";
import { decisionReceipt } from "../../src/log/decision_receipt.ts";
import { executionReceipt, keyReceipt } from "../../src/log/receipt.ts";
import { signReceipt } from "../../src/log/signed_receipt.ts";
import { auditLog } from "../../src/audit/audit.ts";
import { LedgerSnapshot } from "../../src/audit/snapshot.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { PLAIN_KEY } from "../../src/core/types.ts";
import { openKey } from "../../src/ledger/proposals/keys.ts";
import { decodeProposal, encodeProposal } from "../../src/ledger/proposals/rows.ts";
import type { ProposalRecord } from "../../src/ledger/proposals/types.ts";
import { approvalKey, executionKey } from "../../src/ledger/store/keys.ts";
import { Store } from "../../src/ledger/store/store.ts";
import type { Tables } from "../../src/ledger/store/table.ts";
import { newProposal } from "../ledger/proposals/sample.ts";
import { reservation, scene, settlement } from "../ledger/scene.ts";

const signer = signingKeyOf(new Uint8Array(32).fill(1));
const ALICE = { name: "alice", keyid: "alice-1", ...PLAIN_KEY };
const BODY = { iss: "alice", jti: "j-1", expiresAt: 1_800_000_900, signers: [ALICE] };

interface Ids {
  readonly waiting: Uint8Array;
  readonly declined: Uint8Array;
  readonly ran: Uint8Array;
}

/** A ledger with a proposal of each sort, changed, and what its audit finds. */
async function problemAfter(change: (tables: Tables, ids: Ids) => void): Promise<string | null> {
  await using s = await scene();
  const { ledger } = s;
  const { executorId } = ledger;
  const sign = (receipt: Parameters<typeof signReceipt>[0]) => signReceipt(receipt, signer);
  await ledger.append([sign(keyReceipt(executorId, signer.publicKey, 0))]);
  const [waiting, declined, ran] = [newProposal(), newProposal(), newProposal()];
  for (const proposal of [waiting, declined, ran]) await ledger.proposals.propose(proposal);
  const { record } = declined;
  await ledger.proposals.sign({ ...record, status: "pending", bodies: [BODY], envelopes: ["{}"] });
  const end = { status: "declined", code: "proposal_declined", endedBy: ALICE } as const;
  const atMs = ledger.clock.nowMs();
  await ledger.proposals.end({
    id: record.id,
    ...end,
    declineReason: "no",
    atMs,
    retention: { payloadMs: 1000, resultMs: 1000 },
    receipt: sign(decisionReceipt(executorId, {
      ...record,
      proposalId: record.id,
      by: ALICE,
      decision: "declined",
      code: "proposal_declined",
      reasonCommitment: null,
      atMs,
    })),
  });
  const { id, nonce, proposedAtMs } = ran.record;
  const claim = { iss: "alice", jti: "j-2" };
  const asked = reservation({ id, nonce, claim });
  const reserved = await ledger.reserve({
    ...asked,
    record: { ...asked.record, proposedAtMs },
    start: { id, body: { ...BODY, jti: "j-2" } },
  });
  const { status, code, startedAtMs, settledAtMs, resultCommitment } = settlement(id);
  const settled = { ...reserved, status, code, startedAtMs, settledAtMs, resultCommitment };
  const receipt = sign(executionReceipt(executorId, settled, false));
  await ledger.settle(settlement(id, { receipt }));
  await ledger.close();
  const store = new Store({ directory: `${s.stateDir}/ledger` });
  const keyOf = ({ record }: { record: ProposalRecord }) =>
    executionKey(record.id) ?? new Uint8Array();
  const ids = { waiting: keyOf(waiting), declined: keyOf(declined), ran: keyOf(ran) };
  await store.commit(() => change(store.tables, ids));
  await store.close();
  const snapshot = await LedgerSnapshot.open(s.stateDir);
  try {
    const options = { nodes: snapshot.log, size: snapshot.log.size(), ledger: snapshot };
    return (await auditLog(snapshot.receipts(), options)).problem?.code ?? null;
  } finally {
    await snapshot.close();
  }
}

function rewrite(
  { proposals }: Tables,
  key: Uint8Array,
  changes: Partial<ProposalRecord>,
): void {
  const stored = decodeProposal("", proposals.get(key) ?? new Uint8Array());
  proposals.put(key, encodeProposal({ ...stored, record: { ...stored.record, ...changes } }));
}

test("proposals that wait, that were declined and that ran audit clean", async () => {
  expect(await problemAfter(() => {})).toBe(null);
});

test("so does one whose row was pruned with its nonce", async () => {
  expect(
    await problemAfter(({ proposals, claims }, { declined }) => {
      proposals.remove(declined);
      claims.remove(approvalKey("alice", "j-1"));
    }),
  ).toBe(null);
});

test.each<[string, string, (tables: Tables, ids: Ids) => void]>([
  ["one that ended and is listed as waiting", "proposal_mismatch", (tables, { declined }) => {
    tables.index.put(openKey(declined), new Uint8Array(6));
  }],
  ["one that waits and is not listed", "proposal_mismatch", (tables, { waiting }) => {
    tables.index.remove(openKey(waiting));
  }],
  ["a decline that waits again", "proposal_mismatch", (tables, { declined }) => {
    rewrite(tables, declined, { status: "pending", code: null, logIndex: null });
    tables.index.put(openKey(declined), new Uint8Array(6));
  }],
  ["another end than its receipt has", "proposal_mismatch", (tables, { declined }) => {
    rewrite(tables, declined, { status: "expired", code: "proposal_expired", endedBy: null });
  }],
  ["an end without a receipt", "proposal_mismatch", (tables, { declined }) => {
    rewrite(tables, declined, { logIndex: null });
  }],
  ["a refusal that nothing in the log tells of", "proposal_without_receipt", (tables, ids) => {
    rewrite(tables, ids.waiting, { status: "refused", code: "action_unknown" });
    tables.index.remove(openKey(ids.waiting));
  }],
  ["one that ran and is said to wait", "proposal_mismatch", (tables, { ran }) => {
    rewrite(tables, ran, { status: "pending" });
  }],
  ["one that is said to have started, and did not", "proposal_mismatch", (tables, { waiting }) => {
    rewrite(tables, waiting, { status: "started" });
    tables.index.remove(openKey(waiting));
  }],
  ["an approval of a declined one that could be used", "approval_mismatch", (tables) => {
    tables.claims.remove(approvalKey("alice", "j-1"));
  }],
])("%s is found", async (_what, code, change) => {
  expect(await problemAfter(change)).toBe(code);
});
