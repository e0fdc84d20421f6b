/** Audits a ledger on disk: with everything that it may rightly hold, and with one row changed. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { type SigningKey, signingKeyOf } from "../../src/core/keys/ed25519.ts";
import {
  type ApprovalRow,
  decodeApproval,
  encodeApproval,
  encodeExecution,
} from "../../src/ledger/store/rows.ts";
import {
  approvalKey,
  executionKey,
  nonceKey,
  peerKey,
  spanOf,
} from "../../src/ledger/store/keys.ts";
import { putUnsettled } from "../../src/ledger/executions.ts";
import type { ExecutionRecord, Reservation } from "../../src/ledger/types.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { restoreLedger } from "../../src/ledger/restore.ts";
import { LedgerSnapshot } from "../../src/audit/snapshot.ts";
import { Store } from "../../src/ledger/store/store.ts";
import type { Tables } from "../../src/ledger/store/table.ts";
import { auditLog } from "../../src/audit/audit.ts";
import type { AuditReport } from "../../src/audit/report.ts";
import { adminReceipt, executionReceipt, keyReceipt } from "../../src/log/receipt.ts";
import { signReceipt } from "../../src/log/signed_receipt.ts";
import { refusalOf, reservation, scene, settlement, type TestClock } from "../ledger/scene.ts";
import { temporaryFolder } from "../ledger/temporary.ts";

const signer: SigningKey = signingKeyOf(new Uint8Array(32).fill(1));
const PEER = { uid: 0, gid: 0, pid: 1, socket: "admin.sock" };

/** With the receipt that a log begins with. */
async function begin(ledger: Ledger): Promise<void> {
  await ledger.append([signReceipt(keyReceipt(ledger.executorId, signer.publicKey, 0), signer)]);
}

/** Reserved and settled, with a receipt that says the same. */
async function execute(ledger: Ledger, asked: Reservation): Promise<ExecutionRecord> {
  const record = await ledger.reserve(asked);
  const { status, code, startedAtMs, settledAtMs, resultCommitment } = settlement(record.id);
  const settled = { ...record, status, code, startedAtMs, settledAtMs, resultCommitment };
  const receipt = signReceipt(executionReceipt(ledger.executorId, settled, false), signer);
  return await ledger.settle(settlement(record.id, { receipt }));
}

async function revoke(ledger: Ledger, iss: string, jti: string): Promise<void> {
  const done = {
    act: "revoke",
    peer: PEER,
    atMs: ledger.clock.nowMs(),
    detail: { iss, jti },
  } as const;
  await ledger.revoke(iss, jti, signReceipt(adminReceipt(ledger.executorId, done), signer));
}

const GRANT = { iss: "release-manager", jti: "grant", uses: 3 };

interface Used {
  readonly directory: string;
  readonly clock: TestClock;
  readonly settled: ExecutionRecord;
  readonly open: ExecutionRecord;
}

/** A copy of a ledger that has a claim of every sort, and one execution under way. */
async function used(): Promise<Used> {
  await using s = await scene();
  const { ledger } = s;
  await begin(ledger);
  const settled = await execute(ledger, reservation({ nonce: "settled", claim: { jti: "once" } }));
  for (const nonce of ["first", "second"]) {
    await execute(ledger, reservation({ nonce, claim: GRANT }));
  }
  await execute(ledger, reservation({ claim: { scheme: "clawshield", iss: "clawshield" } }));
  await execute(ledger, reservation({ claim: { jti: "revoked" } }));
  const again = [{ nonce: "settled" }, { nonce: "refused", claim: { jti: "once" } }];
  for (const asked of again) {
    expect(await refusalOf(ledger.reserve(reservation(asked)))).not.toBe("ok");
  }
  for (const jti of ["revoked", "never", "never"]) await revoke(ledger, "release-manager", jti);
  expect(await refusalOf(ledger.reserve(reservation({ claim: { jti: "never" } })))).toBe(
    "approval_revoked",
  );
  const open = await ledger.reserve(reservation({ nonce: "open", claim: { jti: "open" } }));
  const directory = join(temporaryFolder(), "copy");
  await ledger.backup(directory);
  return { directory, clock: s.clock, settled, open };
}

async function audit(directory: string): Promise<AuditReport> {
  const snapshot = await LedgerSnapshot.open(directory);
  try {
    const size = snapshot.log.size();
    return await auditLog(snapshot.receipts(), {
      nodes: snapshot.log,
      size,
      ledger: snapshot,
    });
  } finally {
    await snapshot.close();
  }
}

async function tamper(directory: string, change: (tables: Tables) => void): Promise<void> {
  const store = new Store({ directory: join(directory, "ledger") });
  await store.commit(() => change(store.tables));
  await store.close();
}

function keyOf({ id }: ExecutionRecord): Uint8Array {
  return executionKey(id) ?? new Uint8Array();
}

test("a half-used grant, refusals, revocations and a reserved execution audit clean", async () => {
  const { directory } = await used();
  expect((await audit(directory)).problem).toBe(null);
});

test("so does demo mode, where nobody approves", async () => {
  await using s = await scene({ mode: "demo" });
  const { ledger } = s;
  await begin(ledger);
  const asked = reservation({ claim: null });
  await execute(ledger, { ...asked, record: { ...asked.record, mode: "demo" } });
  expect((await audit(s.stateDir)).problem).toBe(null);
});

test("so does a ledger that was brought back, with what was under way in the backup", async () => {
  const { directory, clock } = await used();
  const stateDir = join(temporaryFolder(), "state");
  clock.pass(1_000);
  await restoreLedger({ backupDir: directory, stateDir, clock });
  expect((await audit(stateDir)).problem).toBe(null);
});

/** The key of an execution in flight, in the table `current`. */
function unsettledKey(execution: ExecutionRecord): Uint8Array {
  return new Uint8Array([1, ...keyOf(execution)]);
}

const GRANT_KEY = approvalKey(GRANT.iss, GRANT.jti);
const ONCE_KEY = approvalKey("release-manager", "once");
const OPEN_KEY = approvalKey("release-manager", "open");

/** The row under `key` with `change` made to it. */
function changeApproval(
  { claims }: Tables,
  key: Uint8Array,
  change: Partial<ApprovalRow>,
): void {
  const row = claims.get(key);
  if (row === undefined) throw new Error("there is no such row");
  claims.put(key, encodeApproval({ ...decodeApproval(row), ...change }));
}

/** A change behind the ledger's back, the code that an audit finds, and the entry that it names. */
const CHANGES:
  readonly (readonly [string, (tables: Tables, used: Used) => void, string, "settled" | null])[] = [
    [
      "an execution that cannot be read",
      ({ executions }, { settled }) => executions.put(keyOf(settled), new Uint8Array(7)),
      "receipt_without_execution",
      "settled",
    ],
    [
      "a nonce removed",
      ({ claims }) => claims.remove(nonceKey("settled")),
      "nonce_mismatch",
      "settled",
    ],
    [
      "a nonce that names another execution",
      ({ claims }, { open }) => claims.put(nonceKey("settled"), keyOf(open)),
      "nonce_mismatch",
      "settled",
    ],
    [
      "a nonce that names no execution",
      ({ claims }) => claims.put(nonceKey("settled"), new Uint8Array(3)),
      "nonce_mismatch",
      "settled",
    ],
    [
      "a nonce that names more than its execution",
      ({ claims }, { settled }) =>
        claims.put(nonceKey("settled"), new Uint8Array([...keyOf(settled), 0])),
      "nonce_mismatch",
      "settled",
    ],
    [
      "a reserved execution's nonce removed",
      ({ claims }) => claims.remove(nonceKey("open")),
      "nonce_mismatch",
      null,
    ],
    [
      "a nonce too many",
      ({ claims }, { settled }) => claims.insert(nonceKey("other"), keyOf(settled)),
      "nonce_mismatch",
      null,
    ],
    [
      "an approval removed",
      ({ claims }) => claims.remove(ONCE_KEY),
      "approval_mismatch",
      "settled",
    ],
    [
      "an approval that cannot be read",
      ({ claims }) => claims.put(ONCE_KEY, new Uint8Array(7)),
      "approval_mismatch",
      "settled",
    ],
    [
      "an approval that is unused again",
      (tables) => changeApproval(tables, ONCE_KEY, { usesTaken: 0 }),
      "approval_mismatch",
      "settled",
    ],
    [
      "an approval that another execution used",
      (tables, { open }) =>
        changeApproval(tables, ONCE_KEY, {
          firstExecution: keyOf(open).toHex(),
        }),
      "approval_mismatch",
      "settled",
    ],
    [
      "a reserved execution's approval removed",
      ({ claims }) => claims.remove(OPEN_KEY),
      "approval_mismatch",
      null,
    ],
    [
      "a grant with a use more",
      (tables) => changeApproval(tables, GRANT_KEY, { usesTaken: 3 }),
      "approval_mismatch",
      null,
    ],
    [
      "an approval too many",
      ({ claims }) =>
        claims.insert(approvalKey("a", "b"), claims.get(ONCE_KEY) ?? new Uint8Array()),
      "approval_mismatch",
      null,
    ],
    [
      "an execution that has left nothing but the use of its approval",
      ({ current, claims }, { open }) => {
        current.remove(unsettledKey(open));
        claims.remove(nonceKey("open"));
      },
      "approval_mismatch",
      null,
    ],
    [
      "an execution that its peer does not see",
      ({ index }, { settled }) => index.remove(peerKey(settled.peer.uid, spanOf(keyOf(settled)))),
      "peer_mismatch",
      null,
    ],
    [
      "a reserved execution that nobody settles",
      ({ current, executions }, { open }) => {
        const stored = { record: open, requestBucketMs: 0, resultBucketMs: 0 };
        executions.insert(keyOf(open), encodeExecution(stored));
        current.remove(unsettledKey(open));
      },
      "unsettled_mismatch",
      null,
    ],
    [
      "a settled execution that is to be settled",
      (tables, { settled }) => {
        const stored = { record: settled, requestBucketMs: 0, resultBucketMs: 0 };
        putUnsettled(tables, keyOf(settled), { stored, request: null });
      },
      "unsettled_mismatch",
      null,
    ],
  ];

test.each(CHANGES)("it finds %s", async (_, change, code, entry) => {
  const ledger = await used();
  await tamper(ledger.directory, (tables) => change(tables, ledger));
  const { problem } = await audit(ledger.directory);
  expect([problem?.code, problem?.index]).toEqual([
    code,
    entry === null ? null : ledger.settled.logIndex,
  ]);
});

test.each(["revoked", "never"])(
  "it finds an approval that the log has revoked, and the ledger has not: %s",
  async (jti) => {
    const { directory } = await used();
    const key = approvalKey("release-manager", jti);
    await tamper(directory, (tables) => changeApproval(tables, key, { revokedAtMs: 0 }));
    expect((await audit(directory)).problem?.code).toBe("revocation_missing");
  },
);
