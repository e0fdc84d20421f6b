/** How the figures change as the ledger grows: filled through its own operations, then served by the real daemon. */

import { systemClock } from "../src/core/clock.ts";
import { signerOf } from "../src/core/ed25519.ts";
import { digestOf } from "../src/core/sha.ts";
import { uuidV7 } from "../src/core/uuid.ts";
import { loadExecutorKeys } from "../src/engine/executor_key.ts";
import { currentKeyid } from "../src/engine/executor_key.ts";
import { establishSigner } from "../src/engine/signing.ts";
import type { LmdbLedger } from "../src/ledger/lmdb_ledger.ts";
import { openLedger } from "../src/ledger/open.ts";
import { commitment, executionReceipt } from "../src/log/receipt.ts";
import { signReceipt } from "../src/log/signed_receipt.ts";
import { OPENEXEC, openexec } from "../test/support/daemon.ts";
import { approved, load } from "./load.ts";
import { anonymousMegabytes, scene } from "./scene.ts";
import type { Table } from "./table.ts";

const HELLO = { msg: "hello" };
const DAY_MS = 86_400_000;
/** Executions that are filled in at a time: enough that each commit carries many. */
const FILLERS = 512;

export async function growth(sizes: readonly number[], table: Table): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "openexec-bench-" });
  const figures: { perSecond: number; p99: number }[] = [];
  let filled = 0;
  for (const [index, size] of sizes.entries()) {
    await fill(`${directory}/state`, filled, size);
    filled = size;
    const startMs = performance.now();
    const daemon = await scene({ directory });
    const readyMs = performance.now() - startMs;
    await load(daemon.socket, approved("echo", 1_000, HELLO), 16);
    const measured = await load(daemon.socket, approved("echo", 8_000, HELLO), 16);
    figures.push(measured);
    const row = {
      perSecond: measured.perSecond,
      p99: measured.p99,
      anonymousMB: anonymousMegabytes(daemon.pid),
      fileMB: (await Deno.stat(dataFile(directory))).size / 2 ** 20,
      readyMs,
    };
    table.add("growth", `${size} executions`, row);
    await daemon.stop();
    if (index === sizes.length - 1) table.add("growth", "largest", row);
  }
  const [first, last] = [figures[0], figures.at(-1)];
  if (first !== undefined && last !== undefined) {
    const ratios = { throughput: last.perSecond / first.perSecond, p99: last.p99 / first.p99 };
    table.add("growth", "largest / smallest", ratios);
  }
  await audit(directory, table);
  await Deno.remove(directory, { recursive: true });
}

async function audit(directory: string, table: Table): Promise<void> {
  const startMs = performance.now();
  const { code, stdout, stderr } = await openexec({ directory, socket: "" }, ["audit", "--json"]);
  const seconds = (performance.now() - startMs) / 1000;
  if (code !== 0) throw new Error(`${OPENEXEC} audit failed: ${stderr}`);
  const receipts = Number(/"size":(\d+)/.exec(stdout)?.[1] ?? NaN);
  table.add("growth", "audit", { perSecond: receipts / seconds, receipts, seconds });
}

function dataFile(directory: string): string {
  return `${directory}/state/ledger/data.mdb`;
}

async function fill(stateDir: string, from: number, to: number): Promise<void> {
  const ledger = await openLedger({
    stateDir,
    executorId: "openexec:test",
    mode: "enforced",
    clock: systemClock,
  });
  const keys = loadExecutorKeys(stateDir, null, currentKeyid(ledger.log));
  const signer = await establishSigner(keys, ledger, ledger.clock);
  let next = from;
  await Promise.all(Array.from({ length: FILLERS }, async () => {
    for (let i = next++; i < to; i = next++) await executeOne(ledger, signer, i);
  }));
  await ledger.close();
}

async function executeOne(ledger: LmdbLedger, signer: ReturnType<typeof signerOf>, i: number): Promise<void> {
  const nowMs = ledger.clock.nowMs();
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const digest = digestOf(salt);
  const retention = { payloadMs: DAY_MS, resultMs: 7 * DAY_MS };
  const record = await ledger.reserve({
    record: {
      id: uuidV7(nowMs),
      action: "echo",
      nonce: `fill-${i}`,
      mode: "enforced",
      peer: { uid: 0, gid: 0, pid: 1, socket: "agent.sock" },
      approval: {
        scheme: "dsse",
        iss: "bench",
        jti: `fill-${i}`,
        signers: [{ name: "bench", keyid: "bench-1" }],
      },
      handlerDigest: digest,
      requestCommitment: commitment(salt, digest),
      resultCommitment: null,
      code: null,
      traceId: null,
      receivedAtMs: nowMs,
      startedAtMs: null,
      settledAtMs: null,
      logIndex: null,
      resolution: null,
    },
    body: { canonical: '{"action":"echo","payload":{"msg":"hello"}}', salt, approvalText: "x".repeat(800) },
    retention,
    claim: {
      scheme: "dsse",
      iss: "bench",
      jti: `fill-${i}`,
      uses: 1,
      issuedAt: Math.floor(nowMs / 1000),
      expiresAt: Math.floor(nowMs / 1000) + 600,
      bodyDigest: salt,
    },
    recheck: () => {},
  });
  const settled = {
    ...record,
    status: "succeeded" as const,
    code: null,
    startedAtMs: nowMs,
    settledAtMs: nowMs,
    resultCommitment: commitment(salt, digest),
  };
  await ledger.settle({
    id: record.id,
    status: "succeeded",
    code: null,
    startedAtMs: nowMs,
    settledAtMs: nowMs,
    result: { canonical: '{"msg":"hello"}', salt },
    resultCommitment: settled.resultCommitment,
    retention,
    receipt: signReceipt(executionReceipt(ledger.executorId, settled, false), signer),
  });
}
