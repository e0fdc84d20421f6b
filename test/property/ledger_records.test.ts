import fc from "fast-check";
import { expect, test } from "vitest";
import { ERROR_CODES } from "../../src/core/errors.ts";
import type { Digest, ExecutionStatus } from "../../src/core/types.ts";
import { uuidV7 } from "../../src/core/uuid.ts";
import {
  approvalKey,
  bucketOfSealedKey,
  executionIdOf,
  executionKey,
  executionsIn,
  leafKey,
  nonceKey,
  sealedKey,
  sealedName,
  spanOf,
} from "../../src/ledger/store/keys.ts";
import {
  decodeApproval,
  decodeExecution,
  decodeReceipt,
  encodeApproval,
  encodeExecution,
  encodeReceipt,
  type StoredExecution,
} from "../../src/ledger/store/rows.ts";
import { decodeState, encodeState } from "../../src/ledger/store/state.ts";
import type { ExecutionRecord } from "../../src/ledger/types.ts";
import {
  decodeRequest,
  decodeResult,
  encodeRequest,
  encodeResult,
} from "../../src/ledger/vault/bodies.ts";
import { codeOf } from "../support/refusals.ts";

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const text = fc.string({ unit: "grapheme", maxLength: 300 });
const digest = bytes(32).map((hash): Digest => `sha256:${hash.toHex()}`);
const status = fc.constantFrom<ExecutionStatus>(
  "reserved",
  "succeeded",
  "failed",
  "timed_out",
  "crashed",
  "outcome_unknown",
);
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

const record: fc.Arbitrary<ExecutionRecord> = fc.record({
  id: u48.map((ms) => uuidV7(ms)),
  action: text,
  nonce: text,
  mode: fc.constantFrom("enforced", "demo"),
  peer: fc.record({ uid: u32, gid: u32, pid: u32, socket: text }),
  approval: orNull(fc.record({
    scheme: fc.constantFrom("dsse", "clawshield"),
    iss: text,
    jti: text,
    signers: fc.array(
      fc.record({
        name: text,
        keyid: text,
        kind: fc.constantFrom("ed25519", "sshsig", "passkey"),
        userVerified: fc.boolean(),
        hardware: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
  })),
  handlerDigest: digest,
  requestCommitment: digest,
  resultCommitment: orNull(digest),
  status,
  code: orNull(fc.constantFrom(...ERROR_CODES)),
  traceId: orNull(fc.string({ minLength: 1, maxLength: 32 })),
  proposedAtMs: orNull(u48),
  receivedAtMs: u48,
  reservedAtMs: u48,
  startedAtMs: orNull(u48),
  settledAtMs: orNull(u48),
  logIndex: orNull(u48),
  resolution: orNull(fc.record({ from: status, logIndex: u48 })),
});

const stored: fc.Arbitrary<StoredExecution> = fc.record({
  record,
  requestBucketMs: u48,
  resultBucketMs: u48,
});

test("executions come back as they were written", () => {
  fc.assert(fc.property(stored, (each) => {
    expect(decodeExecution(each.record.id, encodeExecution(each))).toEqual(each);
  }));
});

test("a row with a byte too few, too many or of another version is refused, never guessed at", () => {
  fc.assert(fc.property(stored, fc.nat(), (each, cut) => {
    const row = encodeExecution(each);
    const decode = (bytes: Uint8Array) => codeOf(() => decodeExecution(each.record.id, bytes));
    expect(decode(row.subarray(0, cut % row.length))).toBe("ledger_unavailable");
    expect(decode(new Uint8Array([...row, 0]))).toBe("ledger_unavailable");
    expect(decode(new Uint8Array([3, ...row.subarray(1)]))).toBe("ledger_unavailable");
  }));
});

test("a row is the only one that says what it says", () => {
  fc.assert(fc.property(stored, fc.nat(), fc.integer({ min: 1, max: 255 }), (each, at, flip) => {
    const row = encodeExecution(each).slice();
    row[at % row.length] = (row[at % row.length] ?? 0) ^ flip;
    try {
      const other = decodeExecution(each.record.id, row);
      expect(encodeExecution(other)).toEqual(row);
    } catch (error) {
      expect(error).toMatchObject({ code: "ledger_unavailable" });
    }
  }));
});

test("receipts, approvals, states and bodies come back as they were written", () => {
  const receipt = fc.record({
    version: fc.constantFrom(1, 2),
    body: fc.uint8Array({ maxLength: 2000 }),
    keyid: text,
    signature: bytes(64),
  });
  fc.assert(fc.property(receipt, u48, (each, index) => {
    expect(decodeReceipt(index, encodeReceipt(each))).toEqual({ ...each, index });
  }));
  const approval = fc.record({
    usesTaken: u32,
    usesAllowed: u32,
    firstExecution: bytes(16).map((id) => id.toHex()),
    revokedAtMs: u48,
    bindingBucketMs: u48,
  });
  fc.assert(fc.property(approval, (each) => {
    expect(decodeApproval(encodeApproval(each))).toEqual(each);
  }));
  const state = fc.record({
    sequence: u48,
    executions: u48,
    unsettled: u48,
    logSize: u48,
    markMs: u48,
    markUptimeMs: u48,
    markBootId: text,
    halted: fc.boolean(),
    pruningPaused: fc.boolean(),
    fenceSeconds: u48,
  });
  fc.assert(fc.property(state, (each) => {
    expect(decodeState(encodeState(each))).toEqual(each);
  }));
  const legacyReceipt = bytes(32).map((each) => each.toHex());
  const result = fc.record({ canonical: text, salt: bytes(32), legacyReceipt }, {
    requiredKeys: ["canonical", "salt"],
  });
  fc.assert(fc.property(result, orNull(text), (each, approvalText) => {
    expect(decodeResult(encodeResult(each))).toEqual(each);
    const request = { canonical: each.canonical, salt: each.salt, approvalText };
    expect(decodeRequest(encodeRequest(request))).toEqual(request);
  }));
});

test("no two lists of names share a key", () => {
  fc.assert(fc.property(text, text, text, text, (a, b, c, d) => {
    const same = a === c && b === d;
    expect(approvalKey(a, b).toHex() === approvalKey(c, d).toHex()).toBe(same);
    expect(nonceKey(a + b).toHex()).not.toBe(approvalKey(a, b).toHex());
  }));
});

test("keys sort as what they stand for", () => {
  const before = (a: Uint8Array, b: Uint8Array) => a.toHex() < b.toHex();
  fc.assert(fc.property(u48, u48, bytes(16), (a, b, id) => {
    fc.pre(a < b);
    expect(before(leafKey(a), leafKey(b))).toBe(true);
    expect(before(sealedKey(a, "result", id), sealedKey(b, "request", id))).toBe(true);
    expect(bucketOfSealedKey(sealedKey(a, "binding", id))).toBe(a);
  }));
  fc.assert(fc.property(u48.map((ms) => uuidV7(ms)), (id) => {
    expect(executionIdOf(executionKey(id) ?? new Uint8Array())).toBe(id);
  }));
});

test("a sealed row is authenticated by bucket, kind and id, wherever it lies", () => {
  fc.assert(fc.property(u48, bytes(16), (bucketMs, id) => {
    const name = sealedName(sealedKey(bucketMs, "result", id));
    expect(name).toEqual(new Uint8Array([...leafKey(bucketMs), 2, ...id]));
  }));
});

test("a span of time holds the executions whose ids it begins, and no other", () => {
  fc.assert(fc.property(u48.map((ms) => ({ ms, id: uuidV7(ms) })), ({ ms, id }) => {
    const key = executionKey(id) ?? new Uint8Array();
    const { start, end } = executionsIn(spanOf(key));
    expect(spanOf(key)).toEqual(leafKey(ms).subarray(0, 5));
    expect([start.toHex() <= key.toHex(), key.toHex() < end.toHex()]).toEqual([true, true]);
  }));
});

test.each([16, 20_000])("a body whose text of %i bytes is no UTF-8 is damage", (length) => {
  const canonical = new Uint8Array(length).fill(0x61);
  const bodies = { salt: new Uint8Array(32), canonical, approvalText: null };
  expect(decodeRequest(encodeRequest(bodies)).canonical.length).toBe(length);
  canonical[length - 1] = 0xff;
  expect(codeOf(() => decodeRequest(encodeRequest(bodies)))).toBe("ledger_unavailable");
  expect(codeOf(() => decodeResult(encodeResult(bodies)))).toBe("ledger_unavailable");
});
