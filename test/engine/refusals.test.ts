import { expect, test, vi } from "vitest";
import { Refusal } from "../../src/core/errors.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { RefusalJournal } from "../../src/engine/refusals.ts";
import { decodeReceipt, type Receipt } from "../../src/log/receipt.ts";
import { type SignedReceipt, signReceipt } from "../../src/log/signed_receipt.ts";

const signer = signingKeyOf(new Uint8Array(32).fill(7));
const request = { action: "echo", nonce: "n-1" };
const peer = (uid: number) => ({ uid, gid: 1, pid: 1, socket: "agent.sock" });

function journal(perMinute: number, perDay = 1000) {
  const state = {
    nowMs: 1_800_000_000_000,
    refusing: null as "storage_full" | null,
    broken: false,
  };
  const logged: Receipt[] = [];
  const append = vi.fn((receipts: readonly SignedReceipt[]) => {
    if (state.broken) return Promise.reject(new Refusal("storage_full"));
    for (const { body } of receipts) {
      const receipt = decodeReceipt(body);
      if (receipt === undefined) throw new Error("not a receipt");
      logged.push(receipt);
    }
    return Promise.resolve(0);
  });
  const subject = new RefusalJournal(
    {
      executorId: "openexec:test",
      append,
      health: () => ({ refusing: state.refusing, halted: false, pruningPaused: false }),
    },
    { nowMs: () => state.nowMs },
    (receipt) => signReceipt(receipt, signer),
    { refusalReceiptsPerMinute: perMinute, refusalReceiptsPerDay: perDay },
  );
  return { subject, state, logged, append };
}

test("note() leaves one receipt for each refusal, written as one batch", async () => {
  const { subject, logged, append } = journal(60);
  subject.note("approval_expired", request, peer(1000));
  subject.note("approval_missing", request, peer(1001));
  await subject.flush();
  expect(append).toHaveBeenCalledTimes(1);
  expect(logged).toMatchObject([
    { kind: "refusal", code: "approval_expired", action: "echo", nonce: "n-1", peer: peer(1000) },
    { kind: "refusal", code: "approval_missing", peer: peer(1001) },
  ]);
  await subject.flush(true);
});

test("note() counts what exceeds the cap of one uid in a signed summary, and spares the others", async () => {
  const { subject, state, logged } = journal(2);
  for (let i = 0; i < 5; i++) subject.note("approval_expired", request, peer(1000));
  subject.note("approval_missing", request, peer(1001));
  await subject.flush();
  expect(logged.map(({ kind }) => kind)).toEqual(["refusal", "refusal", "refusal"]);
  state.nowMs += 60_000;
  await subject.flush();
  expect(logged.at(-1)).toMatchObject({
    kind: "refusal_summary",
    dropped: [{ uid: 1000, code: "approval_expired", count: 3 }],
  });
  await subject.flush(true);
});

test("note() starts counting anew after a minute", async () => {
  const { subject, state, logged } = journal(1);
  subject.note("approval_expired", request, peer(1000));
  await subject.flush();
  state.nowMs += 60_000;
  await subject.flush();
  subject.note("approval_expired", request, peer(1000));
  await subject.flush(true);
  expect(logged.map(({ kind }) => kind)).toEqual(["refusal", "refusal"]);
});

test("above the caps of the day there is one summary, at its end, for a uid and for all of them", async () => {
  const { subject, state, logged } = journal(60, 2);
  const HOUR_MS = 3_600_000;
  for (let hour = 0; hour < 23; hour++) {
    subject.note("approval_expired", request, peer(1000));
    await subject.flush();
    state.nowMs += HOUR_MS;
  }
  expect(logged.map(({ kind }) => kind)).toEqual(["refusal", "refusal"]);
  for (let uid = 1; uid <= 12; uid++) {
    for (let n = 0; n < 2; n++) subject.note("approval_missing", request, peer(uid));
  }
  await subject.flush();
  expect(logged.filter(({ kind }) => kind === "refusal")).toHaveLength(20);
  state.nowMs += 2 * HOUR_MS;
  await subject.flush();
  const summaries = logged.filter(({ kind }) => kind === "refusal_summary");
  expect(summaries).toMatchObject([{
    dropped: expect.arrayContaining([
      { uid: 1000, code: "approval_expired", count: 21 },
      { uid: 12, code: "approval_missing", count: 2 },
    ]),
  }]);
  subject.note("approval_expired", request, peer(1000));
  await subject.flush(true);
  expect(logged.at(-1)).toMatchObject({ kind: "refusal", peer: peer(1000) });
});

test("a full disk drops no refusal uncounted", async () => {
  const { subject, state, logged } = journal(60);
  state.refusing = "storage_full";
  subject.note("approval_expired", request, peer(1000));
  state.refusing = null;
  state.broken = true;
  subject.note("approval_missing", request, peer(1000));
  await subject.flush();
  expect(logged).toEqual([]);
  state.broken = false;
  await subject.flush(true);
  expect(logged).toMatchObject([{
    kind: "refusal_summary",
    dropped: [{ code: "approval_expired", count: 1 }, { code: "approval_missing", count: 1 }],
  }]);
});

test("a summary that could not be written is counted into the next one", async () => {
  const { subject, state, logged } = journal(0);
  subject.note("approval_expired", request, peer(1000));
  state.nowMs += 60_000;
  state.broken = true;
  await subject.flush();
  state.broken = false;
  subject.note("approval_expired", request, peer(1000));
  await subject.flush(true);
  expect(logged).toMatchObject([{ dropped: [{ uid: 1000, code: "approval_expired", count: 2 }] }]);
});

test("after the last flush nothing is tried again, whatever an earlier one came to", async () => {
  vi.useFakeTimers();
  try {
    const { subject, state } = journal(60);
    subject.note("approval_expired", request, peer(1000));
    state.broken = true;
    const earlier = subject.flush();
    await subject.flush(true);
    await earlier;
    subject.note("approval_missing", request, peer(1000));
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
