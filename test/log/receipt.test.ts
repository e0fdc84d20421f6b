import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/core/json/canonical_json.ts";
import { base64Encode, utf8Decode, utf8Encode } from "../../src/core/bytes.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { type Json, type JsonObject, PLAIN_KEY } from "../../src/core/types.ts";
import { type Decided, decisionReceipt } from "../../src/log/decision_receipt.ts";
import {
  adminReceipt,
  commitment,
  decodeReceipt,
  encodeReceipt,
  executionReceipt,
  keyReceipt,
  type Receipt,
  receiptVersion,
  refusalReceipt,
  refusalSummaryReceipt,
  resolutionReceipt,
  type SettledExecution,
} from "../../src/log/receipt.ts";
import { openReceipt, signReceipt, verifyReceiptSignature } from "../../src/log/signed_receipt.ts";
import {
  byHardware,
  decided,
  digest,
  executionId,
  PEER,
  settledExecution,
  START_MS,
  unsuccessful,
} from "./sample_log.ts";

const id = "openexec:h";
const signingKey = signingKeyOf(new Uint8Array(32).fill(1));
const { publicKey } = signingKey;
const text = (receipt: Receipt) => utf8Decode(encodeReceipt(receipt)) ?? "";

const resolution = resolutionReceipt(id, {
  executionId: executionId(1),
  from: "outcome_unknown",
  as: "succeeded",
  note: 'the bank says "paid" ✓',
  peer: PEER,
  atMs: START_MS,
});

/** Of each kind: a receipt, and those of its members that it could be without. */
const samples: readonly (readonly [string, Receipt, readonly string[]])[] = [
  ["a success", executionReceipt(id, settledExecution(1), false), ["started_at"]],
  [
    "a success under a development approver",
    executionReceipt(id, settledExecution(1), true),
    ["started_at", "development_approver"],
  ],
  [
    "a success in demo mode",
    executionReceipt(id, settledExecution(1, { mode: "demo", approval: null }), false),
    ["started_at"],
  ],
  [
    "an unknown outcome, traced",
    executionReceipt(
      id,
      settledExecution(1, {
        ...unsuccessful,
        traceId: "0af7651916cd43dd8448eb211c80319c",
        startedAtMs: null,
      }),
      false,
    ),
    ["trace_id"],
  ],
  [
    "a success of signers with keys of several kinds, from a proposal",
    executionReceipt(
      id,
      settledExecution(1, { approval: byHardware("j-1"), proposedAtMs: START_MS }),
      false,
    ),
    ["started_at", "proposed_at"],
  ],
  ["a decline", decisionReceipt(id, decided()), ["reason_commitment"]],
  [
    "a withdrawal",
    decisionReceipt(
      id,
      decided({
        decision: "withdrawn",
        code: "proposal_withdrawn",
        by: PEER,
        reasonCommitment: null,
      }),
    ),
    [],
  ],
  [
    "an expiry",
    decisionReceipt(
      id,
      decided({ decision: "expired", code: "proposal_expired", by: null, reasonCommitment: null }),
    ),
    [],
  ],
  [
    "a proposal that was refused after it was queued",
    decisionReceipt(
      id,
      decided({ decision: "refused", code: "action_unknown", by: null, reasonCommitment: null }),
    ),
    [],
  ],
  [
    "a refusal",
    refusalReceipt(id, {
      code: "approval_expired",
      action: "echo",
      nonce: "n",
      peer: PEER,
      atMs: START_MS,
    }),
    ["action", "nonce", "salt"],
  ],
  [
    "a refusal of something unnamed",
    refusalReceipt(id, {
      code: "rate_limited",
      action: null,
      nonce: null,
      peer: PEER,
      atMs: START_MS,
    }),
    ["salt"],
  ],
  [
    "a refusal summary",
    refusalSummaryReceipt(id, START_MS, START_MS + 60_000, [
      { uid: 1000, code: "rate_limited", count: 17 },
      { uid: 1001, count: 2 },
    ]),
    ["salt"],
  ],
  ["a resolution", resolution, []],
  [
    "an act",
    adminReceipt(id, {
      act: "revoke",
      peer: PEER,
      atMs: START_MS,
      detail: { iss: "rm", jti: "j-1" },
    }),
    ["peer", "detail", "salt"],
  ],
  [
    "an act of the daemon's own",
    adminReceipt(id, { act: "prune", peer: null, atMs: START_MS, detail: null }),
    ["salt"],
  ],
  ["a key", keyReceipt(id, publicKey, START_MS), []],
];

describe.each(samples)("%s", (_, receipt, optional) => {
  test("reads back as it was written", () => {
    expect(decodeReceipt(encodeReceipt(receipt))).toEqual(receipt);
  });

  test("is written as RFC 8785 says", () => expect(text(receipt)).toBe(canonicalJson(receipt)));

  test("is refused with an unknown member, and without any that it needs", () => {
    const isRefused = (value: Json) =>
      decodeReceipt(utf8Encode(canonicalJson(value))) === undefined;
    expect(isRefused({ ...receipt, extra: 1 })).toBe(true);
    for (const name of Object.keys(receipt)) {
      const rest = Object.fromEntries(Object.entries(receipt).filter(([other]) => other !== name));
      expect(isRefused(rest), name).toBe(!optional.includes(name));
    }
  });
});

test("of what others may not see, no body can be guessed whole: each has something random", () => {
  const RANDOM = ["salt", "request_commitment", "execution_id"];
  for (const [name, receipt] of samples.filter(([, { kind }]) => kind !== "key")) {
    expect(RANDOM.some((member) => member in receipt), name).toBe(true);
  }
  const refused = { code: "halted", action: "a", nonce: "n", peer: PEER, atMs: START_MS } as const;
  const salts = Array.from({ length: 3 }, () => refusalReceipt(id, refused).salt);
  expect(new Set(salts).size).toBe(3);
});

test("a salt has 16 bytes in one spelling, and is what makes a refusal one of version 2", () => {
  const refused = { code: "halted", action: "a", nonce: "n", peer: PEER, atMs: START_MS } as const;
  const salted = refusalReceipt(id, refused);
  const { salt: _, ...older } = salted;
  expect([receiptVersion(salted), receiptVersion(older)]).toEqual([2, 1]);
  const signed = signReceipt(older, signingKey);
  expect([signed.version, verifyReceiptSignature(signed, publicKey)]).toEqual([1, true]);
  expect(openReceipt(signed)).toEqual(older);
  expect(openReceipt({ ...signed, version: 2 })).toBeUndefined();
  const bytes = (value: Json) => utf8Encode(canonicalJson(value));
  for (const wrong of ["", "AAAA", `${"A".repeat(21)}B==`, "A".repeat(22), 1, null]) {
    expect(decodeReceipt(bytes({ ...older, salt: wrong })), String(wrong)).toBeUndefined();
  }
});

test("a receipt of an execution says what the contract of its format says, and no more", () => {
  const receipt = executionReceipt(id, settledExecution(1), false);
  expect(Object.keys(receipt).toSorted()).toEqual([
    "action",
    "approval",
    "execution_id",
    "executor_id",
    "handler_digest",
    "kind",
    "mode",
    "nonce",
    "peer",
    "received_at",
    "request_commitment",
    "reserved_at",
    "result_commitment",
    "settled_at",
    "started_at",
    "status",
  ]);
  expect(receipt.settled_at).toBe("2026-01-31T12:00:00.004Z");
});

test("builders copy only what a receipt says, whatever else their arguments carry", () => {
  const peer = { ...PEER, secret: "s" };
  const approval = {
    scheme: "dsse" as const,
    iss: "rm",
    jti: "j",
    signers: [{ name: "rm", keyid: "k", ...PLAIN_KEY, secret: "s" }],
    envelope: "s",
  };
  const receipt = executionReceipt(id, settledExecution(1, { peer, approval }), false);
  expect(decodeReceipt(encodeReceipt(receipt))).toEqual(receipt);
});

describe("receiptVersion()", () => {
  const versionOf = (changes: Partial<SettledExecution>) =>
    receiptVersion(executionReceipt(id, settledExecution(1, changes), false));

  test("is 1 for what version 1 can say: plain Ed25519 keys, artifacts and demo mode", () => {
    const clawshield = { name: "clawshield", keyid: "clawshield", ...PLAIN_KEY };
    const artifact = { scheme: "clawshield", iss: "clawshield", jti: "j", signers: [clawshield] };
    expect(versionOf({})).toBe(1);
    expect(versionOf({ approval: { ...artifact, scheme: "clawshield" } })).toBe(1);
    expect(versionOf({ mode: "demo", approval: null })).toBe(1);
    expect(receiptVersion(resolution)).toBe(1);
  });

  test("is 2 for other kinds of keys, for what was proposed, and for decisions", () => {
    expect(versionOf({ approval: byHardware("j") })).toBe(2);
    expect(versionOf({ proposedAtMs: START_MS })).toBe(2);
    expect(receiptVersion(decisionReceipt(id, decided()))).toBe(2);
  });

  test("decides whether signers' kinds are told: of every signer, or of none", () => {
    const { approval } = executionReceipt(id, settledExecution(1), false);
    expect(approval?.signers).toEqual([{ keyid: "rm-1", name: "rm" }]);
    const mixed = executionReceipt(id, settledExecution(1, { approval: byHardware("j") }), false);
    expect(mixed.approval?.signers).toEqual([
      { hardware: true, keyid: "rm-sk", kind: "sshsig", name: "rm", user_verified: true },
      {
        backup_eligible: true,
        keyid: "cfo-1",
        kind: "passkey",
        name: "cfo",
        user_verified: true,
      },
      { keyid: "ops-1", kind: "ed25519", name: "ops", user_verified: false },
    ]);
    const said = mixed.approval?.signers ?? [];
    const withSigners = (signers: readonly JsonObject[]) =>
      decodeReceipt(utf8Encode(canonicalJson({
        ...mixed,
        approval: { iss: "rm", jti: "j", scheme: "dsse", signers },
      })));
    expect(withSigners(said)).toBeDefined();
    expect(withSigners(said.slice(2))).toBeUndefined();
    expect(withSigners([...said, { keyid: "k", name: "n" }])).toBeUndefined();
  });
});

describe("decodeReceipt() refuses a signer", () => {
  const signer = { keyid: "k", name: "n" };
  const rows: readonly (readonly [string, JsonObject])[] = [
    ["of an unknown kind", { kind: "rsa", user_verified: false }],
    ["without a word on the person", { kind: "sshsig" }],
    ["verified by a key that cannot", { kind: "sshsig", user_verified: true }],
    ["of Ed25519 in hardware", { hardware: true, kind: "ed25519", user_verified: false }],
    ["with an SSH key that can be synced", {
      backup_eligible: true,
      kind: "sshsig",
      user_verified: false,
    }],
    ["with a passkey that does not say whether it can be", {
      kind: "passkey",
      user_verified: true,
    }],
    ["with a passkey both synced and in hardware", {
      backup_eligible: true,
      hardware: true,
      kind: "passkey",
      user_verified: true,
    }],
    ["with a passkey neither synced nor in hardware", {
      backup_eligible: false,
      kind: "passkey",
      user_verified: true,
    }],
  ];
  test.each(rows)("%s", (_, changes) => {
    const decline: JsonObject = {
      ...decisionReceipt(id, decided()),
      by: { ...signer, ...changes },
    };
    expect(decodeReceipt(utf8Encode(canonicalJson(decline)))).toBeUndefined();
  });
});

describe("decodeReceipt() refuses a decision", () => {
  const rows: readonly (readonly [string, Partial<Decided>])[] = [
    ["declined by nobody", { by: null }],
    ["declined by a peer", { by: PEER }],
    ["declined with another code", { code: "proposal_expired" }],
    ["withdrawn by an approver", { decision: "withdrawn", code: "proposal_withdrawn" }],
    ["expired by somebody", {
      decision: "expired",
      code: "proposal_expired",
      reasonCommitment: null,
    }],
    ["expired with a reason", { decision: "expired", code: "proposal_expired", by: null }],
    ["refused as declined", { decision: "refused", by: null, reasonCommitment: null }],
  ];
  test.each(rows)("%s", (_, changes) => {
    expect(decodeReceipt(encodeReceipt(decisionReceipt(id, decided(changes))))).toBeUndefined();
  });
});

describe("decodeReceipt() refuses", () => {
  const good = text(executionReceipt(id, settledExecution(1), false));
  const json = (value: object) => canonicalJson({ ...JSON.parse(good), ...value });

  test.each<[string, string]>([
    ["white space", good.replace(",", ", ")],
    ["a final newline", `${good}\n`],
    ["a byte-order mark", `\ufeff${good}`],
    [
      "members in another order",
      `{"kind":"execution",${good.slice(1).replace(',"kind":"execution"', "")}`,
    ],
    ["a member twice", good.replace("{", '{"action":"echo",')],
    ["a needless escape", good.replace("charge_card", "charge\\u005fcard")],
    ["a number written otherwise", good.replace('"uid":1000', '"uid":1e3')],
    ["a negative number", good.replace('"uid":1000', '"uid":-1')],
    ["a kind it does not know", good.replace('"execution"', '"event"')],
    ["no kind", "{}"],
    ["an array", "[]"],
    ["nothing", ""],
    ["text that is not JSON", "hello"],
    ["text that nests deeply", "[".repeat(100_000) + "]".repeat(100_000)],
    [
      "a member that nests deeply",
      `{"detail":${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)},"kind":"admin"}`,
    ],
    ["an action with a space", json({ action: "charge card" })],
    ["an action of 256 characters", json({ action: "a".repeat(256) })],
    ["an empty nonce", json({ nonce: "" })],
    ["an executor id with a plus", json({ executor_id: "a+b" })],
    ["an executor id that turns text around", json({ executor_id: "a\u202eb" })],
    ["a UUID of another version", json({ execution_id: "01900000-0000-4000-8000-000000000001" })],
    ["a digest in capitals", json({ handler_digest: `sha256:${"A".repeat(64)}` })],
    ["a time without milliseconds", json({ settled_at: "2026-01-31T12:00:00Z" })],
    ["a time with an offset", json({ settled_at: "2026-01-31T12:00:00.000+00:00" })],
    ["a day that does not exist", json({ settled_at: "2026-02-30T12:00:00.000Z" })],
    ["a status it does not know", json({ status: "reserved" })],
    ["a success with a code", json({ code: "handler_failed" })],
    [
      "a success without a result",
      json({ status: "succeeded" }).replace(/"result_commitment":"[^"]*",/, ""),
    ],
    ["a failure with a result", json({ status: "failed", code: "handler_failed" })],
    ["a failure without a code", json({ status: "failed" })],
    ["an outcome with another's code", json({ status: "timed_out", code: "handler_crashed" })],
    ["an enforced execution without an approval", good.replace(/"approval":\{.*?\]\},/, "")],
    ["a demo execution with one", json({ mode: "demo" })],
    ["a development approver that is not", json({ development_approver: false })],
    [
      "an approval that nobody signed",
      json({ approval: { scheme: "dsse", iss: "rm", jti: "j", signers: [] } }),
    ],
  ])("%s", (_, changed) => {
    expect(decodeReceipt(utf8Encode(good))).toBeDefined();
    expect(decodeReceipt(utf8Encode(changed))).toBeUndefined();
  });

  test("bytes that are not UTF-8", () => {
    expect(decodeReceipt(Uint8Array.of(...utf8Encode(good).slice(0, -2), 0xff, 0x7d)))
      .toBeUndefined();
  });

  test("a key whose keyid is another key's", () => {
    const other = signingKeyOf(new Uint8Array(32).fill(2)).publicKey;
    const key = keyReceipt(id, publicKey, START_MS);
    const swapped = { ...key, new_public_key: `ed25519:${base64Encode(other)}` };
    expect(decodeReceipt(encodeReceipt(swapped))).toBeUndefined();
  });

  test("a key written in another way", () => {
    const key = keyReceipt(id, publicKey, START_MS);
    const bare = { ...key, new_public_key: base64Encode(publicKey) };
    expect(decodeReceipt(encodeReceipt(bare))).toBeUndefined();
  });

  test("an act whose detail JavaScript would reorder", () => {
    const act = adminReceipt(id, {
      act: "halt",
      peer: null,
      atMs: START_MS,
      detail: { "10": 1, "9": 2 },
    });
    expect(decodeReceipt(encodeReceipt(act))).toBeUndefined();
  });

  test("an act whose detail is in another order", () => {
    const detail = { bodies: 1, buckets: 2 };
    const act = text(adminReceipt(id, { act: "prune", peer: null, atMs: START_MS, detail }));
    expect(decodeReceipt(utf8Encode(act))).toMatchObject({ detail });
    const turned = act.replace('"bodies":1,"buckets":2', '"buckets":2,"bodies":1');
    expect(turned).not.toBe(act);
    expect(decodeReceipt(utf8Encode(turned))).toBeUndefined();
  });

  test("a note with a lone surrogate", () => {
    expect(decodeReceipt(utf8Encode(text(resolution).replace("✓", "\\ud800")))).toBeUndefined();
  });
});

describe("commitment()", () => {
  test("is the hash of salt and digest", () => {
    // SHA-256 of 32 bytes of zero and the SHA-256 of "abc", made by Python's hashlib.
    expect(commitment(new Uint8Array(32), digest("abc")))
      .toBe("sha256:589f9ffed4c477966bfb8d41f37895b08c69047df8f911d6f3b57fbe08faee8d");
  });

  test("differs with the salt, and refuses one of another length", () => {
    const salt = new Uint8Array(32).fill(1);
    expect(commitment(salt, digest("abc"))).not.toBe(commitment(new Uint8Array(32), digest("abc")));
    expect(() => commitment(new Uint8Array(31), digest("abc"))).toThrow(RangeError);
    expect(() => commitment(salt, "sha256:00")).toThrow(RangeError);
  });
});
