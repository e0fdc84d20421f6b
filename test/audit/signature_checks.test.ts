import { expect, test } from "vitest";
import { auditLog } from "../../src/audit/audit.ts";
import { SignatureThread } from "../../src/audit/signature_checks.ts";
import { auditExport, writeExport } from "../../src/audit/export.ts";
import { utf8Encode } from "../../src/core/bytes.ts";
import type { LoggedReceipt } from "../../src/log/signed_receipt.ts";
import { SampleClaims } from "./sample_claims.ts";
import { SampleLog } from "../log/sample_log.ts";

const log = SampleLog.of(5);
const change = log.rotate(1);
for (const n of [5, 6, 7]) log.execute(n);

const badlySigned = (...indexes: number[]) => (entries: LoggedReceipt[]) => {
  for (const index of indexes) {
    entries[index] = { ...log.entry(index), signature: new Uint8Array(64).fill(index) };
  }
};

const damages: readonly [string, (entries: LoggedReceipt[], claims: SampleClaims) => void][] = [
  ["nothing", () => {}],
  ["one signature", badlySigned(3)],
  ["the last signature", badlySigned(log.entries.length - 1)],
  ["two signatures", badlySigned(6, 2)],
  ["the signature of a key's change", badlySigned(change.index)],
  ["a signature, and a claim before it", (entries, { holders }) => {
    badlySigned(4)(entries);
    holders.delete("n-1");
  }],
  ["a signature, and a claim after it", (entries, { holders }) => {
    badlySigned(2)(entries);
    holders.delete("n-6");
  }],
  ["a signature and the claim of one entry", (entries, { holders }) => {
    badlySigned(3)(entries);
    holders.delete("n-2");
  }],
  ["a signature, and an entry missing before it", (entries) => {
    badlySigned(5)(entries);
    entries.splice(2, 1);
  }],
  ["a signature, and an entry missing after it", (entries) => {
    badlySigned(2)(entries);
    entries.splice(7, 1);
  }],
];

test.each(damages)("finds what one thread finds, with %s damaged", async (_, damage) => {
  const entries = [...log.entries];
  const claims = SampleClaims.of(log.facts.values());
  damage(entries, claims);
  const options = { ledger: log.ledger({ claims }), size: log.entries.length };
  const expected = await auditLog(entries, options);
  for (const batch of [1, 3, 512]) {
    using signatures = new SignatureThread(batch);
    const report = await auditLog(entries, { ...options, signatures });
    expect(report).toEqual(expected);
  }
});

test("finds in an export what one thread finds", async () => {
  const checkpoint = log.export().split("\n").at(-2) ?? "";
  const lines = (indexes: number[]) => {
    const entries = [...log.entries];
    badlySigned(...indexes)(entries);
    const header = { executorId: "openexec:h", publicKey: log.signer.publicKey };
    const [head, ...rest] = writeExport(header, entries, checkpoint);
    return [head, ...rest.slice(0, -1), `${checkpoint}\n`].join("");
  };
  for (const indexes of [[], [3], [7, 2]]) {
    const chunks = [utf8Encode(lines(indexes))];
    using signatures = new SignatureThread(2);
    const report = await auditExport(chunks, { signatures });
    expect(report).toEqual(await auditExport(chunks, {}));
    expect(report.problem?.index).toBe(indexes.length === 0 ? undefined : Math.min(...indexes));
  }
});

test("ends with an error where the thread fails, and vouches for nothing", async () => {
  const failing = URL.createObjectURL(
    new Blob(['addEventListener("message", () => { throw new Error("no"); });'], {
      type: "text/javascript",
    }),
  );
  using thread = new SignatureThread(2, () => new Worker(failing, { type: "module" }));
  await expect(auditLog(log.entries, { signatures: thread })).rejects.toThrow("failed");
  URL.revokeObjectURL(failing);
});
