import { PLAIN_KEY } from "../../src/core/types.ts";
import { describe, expect, test } from "vitest";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { signCheckpoint } from "../../src/log/checkpoint.ts";
import { auditLog, type AuditOptions } from "../../src/audit/audit.ts";
import type { ExecutionFact } from "../../src/audit/executions.ts";
import {
  encodeReceipt,
  keyReceipt,
  refusalReceipt,
  resolutionReceipt,
  type SettledExecution,
} from "../../src/log/receipt.ts";
import { type LoggedReceipt, signReceipt } from "../../src/log/signed_receipt.ts";
import {
  byHardware,
  digest,
  executionId,
  PEER,
  SampleLog,
  settledExecution,
  START_MS,
  unsuccessful,
} from "../log/sample_log.ts";

/** The code of what is wrong, and the entry it names. */
async function problemOf(entries: readonly LoggedReceipt[], options: AuditOptions = {}) {
  const { ok, problem } = await auditLog(entries, options);
  expect(ok).toBe(problem === null);
  return problem === null ? "none" : [problem.code, problem.index];
}

const log = SampleLog.of(12);
const last = log.entries.length;
const changed = (index: number, change: Partial<LoggedReceipt>) =>
  log.entries.map((entry) => entry.index === index ? { ...entry, ...change } : entry);

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

describe("auditLog() finds nothing wrong with", () => {
  test("a whole log, its stored nodes, its ledger and every checkpoint of it", async () => {
    const checkpoints = log.entries.map((_, i) => log.checkpoint(i + 1));
    const options = {
      nodes: log.tree,
      size: last,
      ledger: log.ledger(),
      checkpoints,
      trustedKeys: [log.signer.publicKey],
    };
    const report = await auditLog(log.entries, options);
    expect(report).toMatchObject({ ok: true, problem: null, entries: last, anchored: true });
    expect(report.executorId).toBe("openexec:h");
    expect(Uint8Array.from(report.root ?? [])).toEqual(Uint8Array.from(log.tree.root()));
  });

  test("entries that it counts one by one", async () => {
    const seen: number[] = [];
    const { ok } = await auditLog(log.entries, { progress: (entries) => seen.push(entries) });
    expect(ok).toBe(true);
    expect(seen).toEqual(log.entries.map((_, i) => i + 1));
  });

  test("an execution still reserved, and one that an operator resolved", async () => {
    const open = new SampleLog();
    open.execute(1, unsuccessful);
    const entry = open.append(resolutionReceipt("openexec:h", {
      executionId: executionId(1),
      from: "outcome_unknown",
      as: "failed",
      note: "looked",
      peer: PEER,
      atMs: START_MS,
    }));
    const resolution = { from: "outcome_unknown", logIndex: entry.index } as const;
    setFact(open, 1, { status: "failed", code: null, resolution });
    open.facts.set(executionId(2), {
      ...settledExecution(2),
      status: "reserved",
      settledAtMs: null,
      logIndex: null,
      resolution: null,
    });
    expect(await problemOf(open.entries, { ledger: open.ledger() })).toBe("none");
  });
});

function setFact(of: SampleLog, n: number, change: Partial<ExecutionFact>): void {
  const fact = of.facts.get(executionId(n));
  if (fact !== undefined) of.facts.set(fact.id, { ...fact, ...change });
}

describe("auditLog() names the first bad entry:", () => {
  test("any byte of a body, of a signature, of a keyid", async () => {
    const entry = log.entry(5);
    for (let at = 0; at < entry.body.length; at += 7) {
      const [code, index] = await problemOf(changed(5, { body: flipped(entry.body, at) }));
      expect(["body_malformed", "signature_invalid", "executor_mismatch"]).toContain(code);
      expect(index).toBe(5);
    }
    for (let at = 0; at < 64; at++) {
      const signature = flipped(entry.signature, at);
      expect(await problemOf(changed(5, { signature }))).toEqual(["signature_invalid", 5]);
    }
    const keyid = log.entry(5).keyid.replace(/.$/, "x");
    expect(await problemOf(changed(5, { keyid }))).toEqual(["key_unknown", 5]);
  });

  test("an entry deleted, doubled, swapped or renumbered", async () => {
    const { entries } = log;
    expect(await problemOf(entries.toSpliced(5, 1))).toEqual(["entry_out_of_order", 5]);
    expect(await problemOf(entries.toSpliced(5, 0, log.entry(5)))).toEqual([
      "entry_out_of_order",
      6,
    ]);
    expect(await problemOf(entries.toSpliced(5, 2, log.entry(6), log.entry(5)))).toEqual([
      "entry_out_of_order",
      5,
    ]);
    expect(await problemOf(changed(5, { index: 7 }))).toEqual(["entry_out_of_order", 5]);
    expect(await problemOf(entries.slice(1))).toEqual(["entry_out_of_order", 0]);
  });

  test("without a root, since entries behind it may have been taken before it was found", async () => {
    const signature = flipped(log.entry(5).signature, 0);
    const entry = await auditLog(changed(5, { signature }), {});
    expect([entry.entries, entry.root]).toEqual([5, null]);
    const short = await auditLog(log.entries.slice(0, 9), { size: last });
    expect([short.entries, short.problem?.index]).toEqual([9, null]);
    expect(Uint8Array.from(short.root ?? [])).toEqual(Uint8Array.from(log.tree.root(9)));
  });

  test("the first of several", async () => {
    const entries = log.entries.map((entry) =>
      entry.index === 3 || entry.index === 6
        ? { ...entry, signature: flipped(entry.signature, 0) }
        : entry
    ).toSpliced(9, 1);
    expect(await problemOf(entries)).toEqual(["signature_invalid", 3]);
  });

  test("a receipt that another executor's key signed, or that is of another executor", async () => {
    const stranger = signingKeyOf(new Uint8Array(32).fill(9));
    const refused = {
      code: "rate_limited",
      action: null,
      nonce: null,
      peer: PEER,
      atMs: START_MS,
    } as const;
    const foreign = signReceipt(refusalReceipt("openexec:h", refused), stranger);
    expect(await problemOf(changed(5, foreign))).toEqual(["key_unknown", 5]);
    const elsewhere = signReceipt(refusalReceipt("openexec:other", refused), log.signer);
    expect(await problemOf(changed(5, elsewhere))).toEqual(["executor_mismatch", 5]);
    expect(await problemOf(log.entries, { executorId: "openexec:other" })).toEqual([
      "executor_mismatch",
      0,
    ]);
  });

  test("entries removed and renumbered, where the stored tree or a checkpoint knows", async () => {
    const entries = log.entries.toSpliced(5, 1).map((entry, index) => ({ ...entry, index }));
    expect(await problemOf(entries)).toBe("none");
    expect(await problemOf(entries, { nodes: log.tree })).toEqual(["tree_mismatch", 5]);
    expect(await problemOf(entries, { checkpoints: [log.checkpoint(10)] })).toEqual([
      "checkpoint_mismatch",
      null,
    ]);
    expect(await problemOf(entries, { size: last })).toEqual(["size_mismatch", null]);
  });

  test("a stored node that is wrong or missing", async () => {
    const other = SampleLog.of(12);
    other.tree.corrupt(2, 1);
    expect(await problemOf(other.entries, { nodes: other.tree })).toEqual(["tree_mismatch", 7]);
    expect(await problemOf(log.entries, { nodes: { node: () => undefined } })).toEqual([
      "tree_mismatch",
      0,
    ]);
  });
});

describe("a log cut short", () => {
  const cut = log.entries.slice(0, 9);

  test("is found by a later checkpoint, by the size, or not at all", async () => {
    expect(await problemOf(cut)).toBe("none");
    expect(await problemOf(cut, { checkpoints: [log.checkpoint()] })).toEqual([
      "checkpoint_mismatch",
      null,
    ]);
    expect(await problemOf(cut, { checkpoints: [log.checkpoint(9)] })).toBe("none");
    expect(await problemOf(cut, { size: last })).toEqual(["size_mismatch", null]);
  });

  test("to nothing has no first key", async () => {
    expect(await problemOf([])).toEqual(["log_empty", null]);
  });
});

describe("a checkpoint", () => {
  test("that no key of the log signed, that is of another log, or that is none, is refused", async () => {
    const stranger = signingKeyOf(new Uint8Array(32).fill(9));
    for (
      const foreign of [
        signCheckpoint("openexec:other", last, log.tree.root(), log.signer),
        signCheckpoint("openexec:h", last, log.tree.root(), stranger),
      ]
    ) {
      expect(await problemOf(log.entries, { checkpoints: [foreign] })).toEqual([
        "checkpoint_not_signed",
        null,
      ]);
    }
    expect(await problemOf(log.entries, { checkpoints: ["hello"] })).toEqual([
      "checkpoint_malformed",
      null,
    ]);
    const unsigned = log.checkpoint().replace(/— .*\n$/, "— someone AAAAAAA=\n");
    expect(await problemOf(log.entries, { checkpoints: [unsigned] })).toEqual([
      "checkpoint_not_signed",
      null,
    ]);
  });
});

describe("keys", () => {
  const rotated = new SampleLog();
  rotated.execute(1);
  const old = rotated.signer;
  const change = rotated.rotate(2);
  rotated.execute(2);
  const [first, second] = [old.publicKey, rotated.signer.publicKey];

  test("are followed from the first, which signs for itself", async () => {
    const report = await auditLog(rotated.entries, {});
    expect(report.ok).toBe(true);
    expect(report.keys.map(({ since }) => since)).toEqual([0, change.index]);
  });

  test("that were replaced sign no more, and those not yet named sign not at all", async () => {
    const execute = { ...rotated.entry(3), ...resign(rotated.entry(3), old) };
    expect(await problemOf(rotated.entries.with(3, execute))).toEqual(["key_unknown", 3]);
    const early = { ...rotated.entry(1), ...resign(rotated.entry(1), rotated.signer) };
    expect(await problemOf(rotated.entries.with(1, early))).toEqual(["key_unknown", 1]);
    const self = { ...change, ...resign(change, rotated.signer) };
    expect(await problemOf(rotated.entries.with(2, self))).toEqual(["key_unknown", 2]);
  });

  test("must begin with the first entry", async () => {
    const none = new SampleLog();
    none.entries.length = 0;
    none.execute(1);
    expect(await problemOf(none.entries)).toEqual(["key_unknown", 0]);
    const other = signReceipt(keyReceipt("openexec:h", second, START_MS), old);
    expect(await problemOf([{ ...other, index: 0 }])).toEqual(["key_unknown", 0]);
  });

  test("that cannot sign are not taken over", async () => {
    const smallOrder = new Uint8Array(32).with(0, 1);
    const broken = SampleLog.of(1);
    broken.append(keyReceipt("openexec:h", smallOrder, START_MS));
    expect(await problemOf(broken.entries)).toEqual(["key_unknown", 2]);
  });

  test("that are trusted vouch as the first, or by a checkpoint that covers their entry", async () => {
    const entries = rotated.entries;
    const trust = (key: Uint8Array, checkpoints: string[] = []) =>
      problemOf(entries, { trustedKeys: [key], checkpoints });
    expect(await trust(first)).toBe("none");
    expect(await trust(second)).toEqual(["untrusted", null]);
    expect(await trust(second, [rotated.checkpoint()])).toBe("none");
    expect(await trust(second, [rotated.checkpoint(3)])).toBe("none");
    expect(await trust(second, [rotated.checkpoint(2)])).toEqual(["untrusted", null]);
    expect(await trust(signingKeyOf(new Uint8Array(32).fill(7)).publicKey)).toEqual([
      "untrusted",
      null,
    ]);
  });

  test("named by a forger's log do not vouch for it", async () => {
    const forged = new SampleLog("openexec:h", 66);
    forged.execute(1);
    forged.append(keyReceipt("openexec:h", first, START_MS));
    expect(await problemOf(forged.entries)).toBe("none");
    expect(await problemOf(forged.entries, { trustedKeys: [first] })).toEqual(["untrusted", null]);
    const checkpoints = [forged.checkpoint()];
    expect(await problemOf(forged.entries, { trustedKeys: [first], checkpoints })).toEqual([
      "untrusted",
      null,
    ]);
  });

  function resign(entry: LoggedReceipt, signer: typeof old): Partial<LoggedReceipt> {
    const receipt = JSON.parse(new TextDecoder().decode(entry.body));
    return { ...signReceipt(receipt, signer), body: encodeReceipt(receipt) };
  }
});

describe("ledger against log", () => {
  test("two executions with one receipt, though their ids look alike", async () => {
    const other = SampleLog.of(12);
    const twin = { ...settledExecution(4), logIndex: indexOf(4), resolution: null };
    const id = twin.id.replace("0190", "0191");
    other.facts.set(id, { ...twin, id });
    expect(await problemOf(other.entries, { ledger: other.ledger() })).toEqual([
      "execution_without_receipt",
      null,
    ]);
  });

  const withFact = (n: number, change: Partial<ExecutionFact>) => {
    const other = SampleLog.of(12);
    setFact(other, n, change);
    return problemOf(other.entries, { ledger: other.ledger() });
  };
  const indexOf = (n: number) => log.facts.get(executionId(n))?.logIndex ?? -1;

  test("a receipt of an execution that the ledger does not know", async () => {
    const other = SampleLog.of(12);
    other.facts.delete(executionId(4));
    expect(await problemOf(other.entries, { ledger: other.ledger() }))
      .toEqual(["receipt_without_execution", indexOf(4)]);
  });

  test("a settled execution that the log does not know", async () => {
    for (const logIndex of [null, 0, 3, last, 1_000_000]) {
      const other = SampleLog.of(12);
      const extra = { ...settledExecution(77), logIndex, resolution: null };
      other.facts.set(extra.id, extra);
      const { problem } = await auditLog(other.entries, { ledger: other.ledger() });
      expect(problem?.code).toBe("execution_without_receipt");
      expect(problem?.detail).toContain(extra.id);
    }
  });

  const differences: readonly (readonly [string, Partial<SettledExecution>])[] = [
    ["action", { action: "echo" }],
    ["nonce", { nonce: "other" }],
    ["mode", { mode: "demo" }],
    ["status", { status: "failed" }],
    ["code", { code: "handler_failed" }],
    ["peer", { peer: { ...PEER, uid: 0 } }],
    ["approval", { approval: null }],
    ["jti", {
      approval: {
        scheme: "dsse",
        iss: "rm",
        jti: "x",
        signers: [{ name: "rm", keyid: "rm-1", ...PLAIN_KEY }],
      },
    }],
    ["signers", {
      approval: {
        scheme: "dsse",
        iss: "rm",
        jti: "j-4",
        signers: [{ name: "rm", keyid: "rm-2", ...PLAIN_KEY }],
      },
    }],
    ["signers' kinds", { approval: byHardware("j-4") }],
    ["proposal", { proposedAtMs: START_MS }],
    ["handler digest", { handlerDigest: digest("other") }],
    ["request commitment", { requestCommitment: digest("other") }],
    ["result commitment", { resultCommitment: null }],
    ["trace id", { traceId: "0".repeat(32) }],
    ["received", { receivedAtMs: 0 }],
    ["reserved", { reservedAtMs: 0 }],
    ["started", { startedAtMs: null }],
    ["settled", { settledAtMs: 0 }],
  ];

  test.each(differences)("a record whose %s is not what its receipt says", async (_, change) => {
    expect(await withFact(4, change)).toEqual(["execution_mismatch", indexOf(4)]);
  });

  test("a record that names another entry, or a resolution that is not in the log", async () => {
    expect(await withFact(4, { logIndex: indexOf(5) })).toEqual(["execution_mismatch", indexOf(4)]);
    expect(await withFact(4, { logIndex: null, status: "reserved" })).toEqual([
      "execution_mismatch",
      indexOf(4),
    ]);
    const resolution = { from: "succeeded", logIndex: 3 } as const;
    expect(await withFact(4, { resolution })).toEqual(["execution_without_receipt", null]);
  });

  test("a resolution that the ledger has otherwise, or that it has and the log has not", async () => {
    const declare = (change: Partial<ExecutionFact>) => {
      const other = new SampleLog();
      other.execute(1, unsuccessful);
      other.append(resolutionReceipt("openexec:h", {
        executionId: executionId(1),
        from: "outcome_unknown",
        as: "succeeded",
        note: "",
        peer: PEER,
        atMs: START_MS,
      }));
      setFact(other, 1, {
        status: "succeeded",
        resolution: { from: "outcome_unknown", logIndex: 2 },
        ...change,
      });
      return problemOf(other.entries, { ledger: other.ledger() });
    };
    expect(await declare({})).toBe("none");
    expect(await declare({ status: "failed" })).toEqual(["execution_mismatch", 2]);
    expect(await declare({ resolution: { from: "crashed", logIndex: 2 } })).toEqual([
      "execution_mismatch",
      1,
    ]);
    expect(await declare({ resolution: null, ...unsuccessful })).toEqual(["execution_mismatch", 2]);
    expect(await declare({ resolution: { from: "outcome_unknown", logIndex: 9 } })).toEqual([
      "execution_mismatch",
      2,
    ]);
  });
});
