/**
 * A ledger with many executions in it, made through the ledger's own operations: as fast as they
 * commit together.
 */

import { PLAIN_KEY } from "../src/core/types.ts";
import type { MachineClock } from "../src/core/clock.ts";
import { digestOf } from "../src/core/sha.ts";
import type { SigningKey } from "../src/core/keys/ed25519.ts";
import { uuidV7 } from "../src/core/uuid.ts";
import { currentKeyid, establishSigningKey, loadExecutorKeys } from "../src/engine/keys.ts";
import type { Ledger } from "../src/ledger/ledger.ts";
import { openLedger } from "../src/ledger/open.ts";
import type { ExecutionRecord } from "../src/ledger/types.ts";
import { commitment, executionReceipt } from "../src/log/receipt.ts";
import { signReceipt } from "../src/log/signed_receipt.ts";

const DAY_MS = 86_400_000;
const RETENTION = { payloadMs: DAY_MS, resultMs: DAY_MS };
/** Executions that are filled in at a time: enough that each commit carries many. */
const FILLERS = 512;

/** Executions number `from` up to `to`; those that are `open` are reserved and never settled. */
export async function fill(
  stateDir: string,
  clock: MachineClock,
  { from, to, open = false }: {
    readonly from: number;
    readonly to: number;
    readonly open?: boolean;
  },
): Promise<void> {
  const { ledger, signingKey } = await openFilled(stateDir, clock);
  let next = from;
  await Promise.all(Array.from({ length: FILLERS }, async () => {
    for (let i = next++; i < to; i = next++) {
      const record = await reserveOne(ledger, i);
      if (!open) await settleOne(ledger, signingKey, record);
    }
  }));
  await ledger.close();
}

/** A ledger, and the key that signs its receipts. */
export interface Filled {
  readonly ledger: Ledger;
  readonly signingKey: SigningKey;
}

export async function openFilled(stateDir: string, clock: MachineClock): Promise<Filled> {
  const ledger = await openLedger({
    stateDir,
    executorId: "openexec:test",
    mode: "enforced",
    clock,
  });
  const keys = await loadExecutorKeys(stateDir, null, currentKeyid(ledger.log));
  return { ledger, signingKey: await establishSigningKey(keys, ledger, ledger.clock) };
}

/** Reserves execution number `i`. */
export function reserveOne(ledger: Ledger, i: number): Promise<ExecutionRecord> {
  const nowMs = ledger.clock.nowMs();
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const digest = digestOf(salt);
  const name = `fill-${i}`;
  return ledger.reserve({
    record: {
      id: uuidV7(nowMs),
      action: "echo",
      nonce: name,
      mode: "enforced",
      peer: { uid: 0, gid: 0, pid: 1, socket: "agent.sock" },
      approval: {
        scheme: "dsse",
        iss: "bench",
        jti: name,
        signers: [{ name: "bench", keyid: "bench-1", ...PLAIN_KEY }],
      },
      handlerDigest: digest,
      requestCommitment: commitment(salt, digest),
      resultCommitment: null,
      code: null,
      traceId: null,
      proposedAtMs: null,
      receivedAtMs: nowMs,
      startedAtMs: null,
      settledAtMs: null,
      logIndex: null,
      resolution: null,
    },
    body: {
      canonical: '{"action":"echo","payload":{"msg":"hello"}}',
      salt,
      approvalText: "x".repeat(800),
    },
    retention: RETENTION,
    claim: {
      scheme: "dsse",
      iss: "bench",
      jti: name,
      uses: 1,
      issuedAt: Math.floor(nowMs / 1000) + 1, // the fence of a ledger made just now
      expiresAt: Math.floor(nowMs / 1000) + 600,
      bodyDigest: salt,
    },
    recheck: () => {},
    start: null,
  });
}

export async function settleOne(
  ledger: Ledger,
  signingKey: SigningKey,
  record: ExecutionRecord,
): Promise<void> {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const digest = digestOf(salt);
  const nowMs = ledger.clock.nowMs();
  const resultCommitment = commitment(salt, digest);
  const settled = {
    status: "succeeded",
    code: null,
    startedAtMs: nowMs,
    settledAtMs: nowMs,
  } as const;
  const receipt = executionReceipt(
    ledger.executorId,
    { ...record, ...settled, resultCommitment },
    false,
  );
  await ledger.settle({
    id: record.id,
    ...settled,
    result: { canonical: '{"msg":"hello"}', salt },
    reason: null,
    resultCommitment,
    retention: RETENTION,
    receipt: signReceipt(receipt, signingKey),
  });
}
