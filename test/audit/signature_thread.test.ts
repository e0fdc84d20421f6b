import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SignatureThread } from "../../src/audit/signature_thread.ts";
import {
  firstBadSignature,
  packJobs,
  type SignatureJob,
  unpackJobs,
} from "../../src/audit/signature_jobs.ts";
import { SampleLog } from "../log/sample_log.ts";

const log = SampleLog.of(20);
const good: readonly SignatureJob[] = log.entries.map((receipt) => ({
  receipt,
  publicKey: log.signer.publicKey,
}));

/** The same jobs, but that the signature of one is another's. */
function badAt(at: number): SignatureJob[] {
  return good.map((job, i) =>
    i === at ? { ...job, receipt: { ...job.receipt, signature: log.entry(0).signature } } : job
  );
}

/** More batches than are verified without a thread, and more at once than may wait for it. */
const BATCHES = 40;

let thread: SignatureThread;
beforeEach(() => thread = new SignatureThread());
afterEach(() => thread.end());

test("unpackJobs() gives back what packJobs() packed", () => {
  const unpacked = unpackJobs(packJobs(good));
  expect(unpacked.map(({ publicKey, receipt }) => [publicKey, receipt.body, receipt.signature]))
    .toEqual(
      good.map(({ publicKey, receipt }) => [publicKey, receipt.body, receipt.signature]),
    );
  expect(unpackJobs(packJobs([]))).toEqual([]);
});

test("each batch gets its own verdict, wherever it was verified", async () => {
  const bad = Array.from({ length: BATCHES }, (_, i) => i % 3 === 0 ? -1 : 1 + i % 20);
  const asked = bad.map((at) => thread.firstBadSignature(at < 0 ? good : badAt(at)));
  expect(asked.filter((verdict) => verdict instanceof Promise).length).toBeGreaterThan(0);
  expect(asked.filter((verdict) => typeof verdict === "number").length).toBeGreaterThan(0);
  expect(await Promise.all(asked)).toEqual(bad);
});

test("a batch that follows later is verified as well", async () => {
  for (let i = 0; i < BATCHES; i++) expect(await thread.firstBadSignature(badAt(7))).toBe(7);
  expect(firstBadSignature(badAt(7))).toBe(7);
});

test("a thread that is done gets more to do, though nobody had time to hear what it said", async () => {
  for (let i = 0; i < BATCHES; i++) await thread.firstBadSignature(good);
  const asked: (number | Promise<number>)[] = [];
  const handedOver = () => asked.filter((verdict) => verdict instanceof Promise).length;
  while (handedOver() < BATCHES && asked.length < 100 * BATCHES) {
    asked.push(thread.firstBadSignature(badAt(1 + asked.length % 20)));
  }
  expect(handedOver()).toBe(BATCHES);
  expect(await Promise.all(asked)).toEqual(asked.map((_, i) => 1 + i % 20));
});

test("a thread that fails gives no verdict at all", async () => {
  const folder = Deno.makeTempDirSync();
  const entry = join(folder, "fails.ts");
  Deno.writeTextFileSync(entry, 'throw new Error("no");');
  const failing = new SignatureThread(entry);
  const asked = Array.from({ length: BATCHES }, () => failing.firstBadSignature(good));
  const settled = await Promise.allSettled(asked.filter((verdict) => verdict instanceof Promise));
  expect(settled.length).toBeGreaterThan(0);
  expect(settled.filter(({ status }) => status === "fulfilled")).toEqual([]);
  await expect(failing.firstBadSignature(good)).rejects.toThrow();
  failing.end();
  Deno.removeSync(folder, { recursive: true });
});
