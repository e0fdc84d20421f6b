import { PLAIN_KEY } from "../../src/core/types.ts";
import { describe, expect, test } from "vitest";
import { auditLog } from "../../src/audit/audit.ts";
import { CLAIMANTS_MAX, ClaimAudit } from "../../src/audit/claims.ts";
import type { ExecutionFact, LedgerFacts } from "../../src/audit/executions.ts";
import type { LoggedReceipt } from "../../src/log/signed_receipt.ts";
import { SampleClaims } from "./sample_claims.ts";
import { executionId, SampleLog, settledExecution } from "../log/sample_log.ts";

const approvedBy = (jti: string) =>
  ({
    scheme: "dsse",
    iss: "rm",
    jti,
    signers: [{ name: "rm", keyid: "rm-1", ...PLAIN_KEY }],
  }) as const;

function reserved(n: number): ExecutionFact {
  return {
    ...settledExecution(n),
    status: "reserved",
    settledAtMs: null,
    logIndex: null,
    resolution: null,
  };
}

/**
 * Executions 0 to 3 have an approval each, 4 to 6 share one that has a use left, and 7 is reserved.
 * j-0 is revoked, and so is one that was never used.
 */
function sampleLog(): SampleLog {
  const log = SampleLog.of(4);
  for (const n of [4, 5, 6]) log.execute(n, { approval: approvedBy("grant") });
  log.facts.set(executionId(7), reserved(7));
  for (const jti of ["j-0", "never", "never"]) log.revoke("rm", jti);
  return log;
}

function sampleClaims(log: SampleLog): SampleClaims {
  const claims = SampleClaims.of(log.facts.values());
  claims.set("rm", "grant", { usesAllowed: 4 });
  for (const jti of ["j-0", "never"]) claims.set("rm", jti, { isRevoked: true });
  return claims;
}

const log = sampleLog();
const last = log.entries.length - 1;
const indexOf = (n: number) => log.facts.get(executionId(n))?.logIndex ?? -1;

async function problemOf(
  change: (claims: SampleClaims) => void,
  { entries = log.entries, ...lists }: Partial<LedgerFacts> & {
    readonly entries?: LoggedReceipt[];
  } = {},
) {
  const claims = sampleClaims(log);
  change(claims);
  const { ok, problem } = await auditLog(entries, { ledger: log.ledger({ claims, ...lists }) });
  expect(ok).toBe(problem === null);
  return problem === null ? "none" : [problem.code, problem.index];
}

test("a half-used grant, revocations and a reserved execution are in order", async () => {
  expect(await problemOf(() => {})).toBe("none");
});

test("demo mode, which has no approvals, has none", async () => {
  const demo = new SampleLog();
  for (const n of [0, 1]) demo.execute(n, { mode: "demo", approval: null });
  const { problem } = await auditLog(demo.entries, { ledger: demo.ledger() });
  expect(problem).toBe(null);
});

describe("a nonce", () => {
  test("without a row, or whose row names another execution", async () => {
    expect(await problemOf(({ holders }) => holders.delete("n-2"))).toEqual([
      "nonce_mismatch",
      indexOf(2),
    ]);
    expect(await problemOf(({ holders }) => holders.set("n-2", executionId(3)))).toEqual([
      "nonce_mismatch",
      indexOf(2),
    ]);
    expect(await problemOf(({ holders }) => holders.delete("n-7"))).toEqual([
      "nonce_mismatch",
      null,
    ]);
  });

  test("that no execution has", async () => {
    expect(await problemOf(({ holders }) => holders.set("n-8", executionId(8)))).toEqual([
      "nonce_mismatch",
      null,
    ]);
  });
});

describe("an approval", () => {
  const withApproval = (jti: string, change: Parameters<SampleClaims["set"]>[2]) =>
    problemOf((claims) => claims.set("rm", jti, change));

  test("without a row", async () => {
    expect(await problemOf(({ known }) => known.delete("rm j-2"))).toEqual([
      "approval_mismatch",
      indexOf(2),
    ]);
    expect(await problemOf(({ known }) => known.delete("rm grant"))).toEqual([
      "approval_mismatch",
      indexOf(4),
    ]);
    expect(await problemOf(({ known }) => known.delete("rm j-7"))).toEqual([
      "approval_mismatch",
      null,
    ]);
  });

  test("of one use that is said to be unused, used twice, or used by another", async () => {
    const usesTaken = [0, 2];
    for (const taken of usesTaken) {
      const found = await withApproval("j-2", { usesTaken: taken, usesAllowed: 2 });
      expect(found).toEqual(["approval_mismatch", taken === 0 ? indexOf(2) : null]);
    }
    expect(await withApproval("j-2", { firstExecution: executionId(3) })).toEqual([
      "approval_mismatch",
      indexOf(2),
    ]);
  });

  test("of several uses that counts fewer or more than there were, or another first one", async () => {
    expect(await withApproval("grant", { usesTaken: 1 })).toEqual([
      "approval_mismatch",
      indexOf(5),
    ]);
    expect(await withApproval("grant", { usesTaken: 2 })).toEqual([
      "approval_mismatch",
      indexOf(6),
    ]);
    expect(await withApproval("grant", { usesTaken: 4 })).toEqual(["approval_mismatch", null]);
    expect(await withApproval("grant", { firstExecution: executionId(3) })).toEqual([
      "approval_mismatch",
      null,
    ]);
  });

  test("that was used more often than it may be", async () => {
    expect(await withApproval("grant", { usesAllowed: 2 })).toEqual([
      "approval_mismatch",
      indexOf(4),
    ]);
  });

  test("that nobody used or revoked", async () => {
    const claims = { usesTaken: 1, usesAllowed: 1, firstExecution: executionId(9) };
    expect(await withApproval("j-9", claims)).toEqual(["approval_mismatch", null]);
  });

  test("whose revocation is in the log alone", async () => {
    expect(await withApproval("j-0", { isRevoked: false })).toEqual([
      "revocation_missing",
      last - 2,
    ]);
    expect(await withApproval("never", { isRevoked: false })).toEqual([
      "revocation_missing",
      last - 1,
    ]);
    expect(await problemOf(({ known }) => known.delete("rm never"))).toEqual([
      "revocation_missing",
      last - 1,
    ]);
  });
});

describe("a list", () => {
  test("of unsettled executions that lacks one, or has one twice, settled or unknown", async () => {
    for (
      const listed of [[], [7, 7], [7, 3], [7, 9]]
    ) {
      const unsettled = () => listed.map(executionId);
      expect(await problemOf(() => {}, { unsettled })).toEqual(["unsettled_mismatch", null]);
    }
  });

  test("of unsettled executions that has one whose receipt is in the log", async () => {
    const other = sampleLog();
    other.facts.set(executionId(7), { ...reserved(7), logIndex: 1 });
    const { problem } = await auditLog(other.entries, {
      ledger: other.ledger({ claims: sampleClaims(other) }),
    });
    expect([problem?.code, problem?.index]).toEqual(["execution_without_receipt", null]);
  });

  test("of executions by peer that lacks one", async () => {
    const isListed = ({ id }: { readonly id: string }) => id !== executionId(3);
    expect(await problemOf(() => {}, { isListed })).toEqual(["peer_mismatch", null]);
  });
});

test("the claim of each unsettled execution is compared", async () => {
  const crowded = new SampleLog();
  for (let n = 0; n < 20; n++) crowded.facts.set(executionId(n), reserved(n));
  const claims = SampleClaims.of(crowded.facts.values());
  expect(await auditLog(crowded.entries, { ledger: crowded.ledger({ claims }) }))
    .toMatchObject({ ok: true });
  claims.holders.set("n-17", executionId(18));
  const { problem } = await auditLog(crowded.entries, { ledger: crowded.ledger({ claims }) });
  expect([problem?.code, problem?.index]).toEqual(["nonce_mismatch", null]);
});

test("the first bad entry is named, be it for its claim or for its place", async () => {
  const bad = (claims: SampleClaims) => void claims.holders.delete("n-2");
  const swapped = log.entries.toSpliced(6, 2, log.entry(7), log.entry(6));
  expect(await problemOf(bad, { entries: swapped })).toEqual(["nonce_mismatch", indexOf(2)]);
  expect(await problemOf(() => {}, { entries: swapped })).toEqual(["entry_out_of_order", 6]);

  const claims = sampleClaims(log);
  for (const n of [3, 1]) claims.holders.delete(`n-${n}`);
  const { problem, entries } = await auditLog(log.entries, { ledger: log.ledger({ claims }) });
  const index = indexOf(1);
  expect([problem?.code, problem?.index, entries]).toEqual(["nonce_mismatch", index, index]);
});

test("nothing is said of a key that is named after a bad entry", async () => {
  const rotated = SampleLog.of(1);
  rotated.rotate(1);
  const claims = SampleClaims.of(rotated.facts.values());
  const keysOf = async () =>
    (await auditLog(rotated.entries, { ledger: rotated.ledger({ claims }) })).keys;
  expect(await keysOf()).toHaveLength(2);
  claims.holders.delete("n-0");
  expect(await keysOf()).toHaveLength(1);
});

test("a bounded number of executions waits for a look at the claims", () => {
  const asked: number[] = [];
  const claimants = Array.from({ length: CLAIMANTS_MAX + 1 }, (_, n) => (
    { id: executionId(n), nonce: `n-${n}`, approval: null }
  ));
  const claims = SampleClaims.of(claimants);
  const held = claims.held.bind(claims);
  claims.held = (some) => {
    asked.push(some.length);
    return held(some);
  };
  claims.holders.delete("n-9");
  const audit = new ClaimAudit(claims);
  const found = claimants.map((claimant, index) => audit.execution(index, claimant)?.index);
  expect(asked).toEqual([CLAIMANTS_MAX]);
  expect(found.filter((index) => index !== undefined)).toEqual([9]);
  expect(audit.overdue()).toBeUndefined();
  expect(asked).toEqual([CLAIMANTS_MAX, 1]);
});
