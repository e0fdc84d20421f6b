/** Approvals by keys of every kind, and who may stand in for whom. */

import { afterAll, describe, expect, test } from "vitest";
import { verifyApproval, verifyReplay } from "../../src/approval/verify.ts";
import type { ApproverPublicKey } from "../../src/config/config.ts";
import { APPROVAL_TYPE } from "../../src/core/signed_claims.ts";
import { utf8Encode } from "../../src/core/bytes.ts";
import { envelopeJson, preAuthEncoding } from "../../src/core/dsse.ts";
import { sign } from "../../src/core/keys/ed25519.ts";
import type { JsonObject } from "../../src/core/types.ts";
import {
  approver,
  approverPublicKey,
  claims,
  envelope,
  needed,
  NOW_MS,
  signerNamed,
  subject,
  trustOf,
  unverified,
} from "../support/approvals.ts";
import { codeOf } from "../support/refusals.ts";
import { BE, SoftwarePasskey, UP, UV } from "../support/software_passkey.ts";
import { SshKeys } from "../support/ssh_keys.ts";

const ssh = new SshKeys();
afterAll(() => ssh[Symbol.dispose]());

/** Signs the way its key does; the flags are those that an authenticator shall claim. */
type Sign = (message: Uint8Array, flags?: number) => Uint8Array;

const always = { notBefore: null, notAfter: null } as const;
const keys = new Map<string, ApproverPublicKey>();
const signers = new Map<string, Sign>();

function add(keyid: string, key: ApproverPublicKey, signer: Sign): void {
  keys.set(keyid, key);
  signers.set(keyid, signer);
}

add("file", approverPublicKey("file"), (message) => signerNamed("file").sign(message));
for (const type of ["ed25519", "ed25519-sk", "ecdsa-sk"]) {
  const { path, key } = ssh.make(type);
  add(
    type,
    { kind: "sshsig", ...key, keyid: type, ...always },
    (message, flags) => ssh.sign(path, message, flags === undefined ? {} : { flags }),
  );
}
for (const algorithm of ["EdDSA", "ES256"] as const) {
  const passkey = new SoftwarePasskey(algorithm);
  add(
    algorithm,
    { kind: "passkey", ...passkey.key(), keyid: algorithm, ...always },
    (message, flags = UP) => passkey.sign(message, { flags }),
  );
}
const keyids = [...keys.keys()];

/** Each key is its own person's, named alike. */
const trust = trustOf(keyids.map((keyid) => {
  return approver(keyid, { keys: [keyOf(keyid)], groups: new Set([`group of ${keyid}`, "all"]) });
}));

function keyOf(keyid: string): ApproverPublicKey {
  const key = keys.get(keyid);
  if (key === undefined) throw new Error(`there is no key ${keyid}`);
  return key;
}

const body = utf8Encode(JSON.stringify(claims({ iss: "file" })));
const pae = preAuthEncoding(APPROVAL_TYPE, body);
const made = new Map<string, Uint8Array>();

/** What this key signs over the approval; made once for each of its flags. */
function signatureOf(keyid: string, flags?: number): Uint8Array {
  const name = `${keyid} ${flags}`;
  const signature = made.get(name) ?? signers.get(keyid)?.(pae, flags) ?? new Uint8Array();
  made.set(name, signature);
  return signature;
}

/** An envelope by `file`, and these. */
function signedBy(...by: readonly (readonly [keyid: string, signature: Uint8Array])[]): JsonObject {
  return envelopeJson({
    payloadType: APPROVAL_TYPE,
    body,
    signatures: by.map(([keyid, signature]) => ({ keyid, signature })),
  });
}

const file = ["file", signatureOf("file")] as const;
const verdict = (json: JsonObject, changes = {}, store = trust) =>
  codeOf(() => verifyApproval(unverified(json), subject(changes), store, NOW_MS));

describe("a signature of each kind", () => {
  const facts = {
    file: { kind: "ed25519", hardware: false, userVerified: false },
    ed25519: { kind: "sshsig", hardware: false, userVerified: false },
    "ed25519-sk": { kind: "sshsig", hardware: true, userVerified: false },
    "ecdsa-sk": { kind: "sshsig", hardware: true, userVerified: false },
    EdDSA: { kind: "passkey", hardware: true, userVerified: false },
    ES256: { kind: "passkey", hardware: true, userVerified: false },
  };

  test.each(Object.entries(facts))(
    "counts, and %s says what stood behind it",
    (keyid, expected) => {
      const json = signedBy(...(keyid === "file" ? [] : [file]), [keyid, signatureOf(keyid)]);
      const { reference } = verifyApproval(unverified(json), subject(), trust, NOW_MS);
      expect(reference.signers.at(-1)).toEqual({ name: keyid, keyid, ...expected });
      expect(verifyReplay(unverified(json), subject(), trust, NOW_MS)).toEqual(reference);
    },
  );

  test("counts under its own keyid alone", () => {
    for (const keyid of keyids) {
      for (const other of keyids.filter((each) => each !== keyid)) {
        const json = signedBy(file, [other, signatureOf(keyid)]);
        expect(verdict(json), `${keyid} as ${other}`).toBe("approval_signature_invalid");
      }
    }
  });

  test("counts for no other approval", () => {
    const other = utf8Encode(JSON.stringify(claims({ iss: "file", jti: "another" })));
    for (const keyid of keyids) {
      const signatures = [{ keyid, signature: signatureOf(keyid) }];
      const json = envelopeJson({ payloadType: APPROVAL_TYPE, body: other, signatures });
      expect(verdict(json), keyid).toBe("approval_signature_invalid");
    }
  });

  test.each([1, 63, 65, 4096])("is invalid with %i bytes of nothing", (length) => {
    for (const keyid of keyids) {
      expect(verdict(signedBy(file, [keyid, new Uint8Array(length)]))).toBe(
        "approval_signature_invalid",
      );
    }
  });

  test("is ignored under an unknown keyid, whatever it is", () => {
    expect(verdict(signedBy(file, ["stranger", signatureOf("ES256")]))).toBe("ok");
    expect(verdict(signedBy(file, ["stranger", Uint8Array.of(1)]))).toBe("ok");
    expect(verdict(signedBy(["stranger", signatureOf("ES256")]))).toBe("approval_signer_unknown");
  });

  test("of no byte, or of more than 4096, is no signature", () => {
    for (const length of [0, 4097]) {
      const json = signedBy(file, ["stranger", new Uint8Array(length)]);
      expect(verdict(json)).toBe("approval_malformed");
    }
  });
});

describe("what a key is, the trust store says:", () => {
  const { key, path } = ssh.make("ed25519");
  const asPlain = { kind: "ed25519", publicKey: key.publicKey, keyid: "k", ...always } as const;
  const asSsh = { kind: "sshsig", ...key, keyid: "k", ...always } as const;
  const storeWith = (publicKey: ApproverPublicKey) =>
    trustOf([approver("file", { keys: [publicKey] })]);
  const signature = ssh.sign(path, pae);

  test("the same key as ssh takes no bare signature, and as public_key no SSHSIG", () => {
    expect(verdict(signedBy(["k", signature]), {}, storeWith(asSsh))).toBe("ok");
    expect(verdict(signedBy(["k", signature]), {}, storeWith(asPlain))).toBe(
      "approval_signature_invalid",
    );
    const bare = sign(pae, new Uint8Array(32).fill(8));
    expect(verdict(signedBy(["k", bare]), {}, storeWith(asSsh))).toBe("approval_signature_invalid");
  });

  test("one key in two kinds makes no trust store", () => {
    const twice = () =>
      trustOf([
        approver("a", { keys: [asPlain] }),
        approver("b", { keys: [{ ...asSsh, keyid: "other" }] }),
      ]);
    expect(twice).toThrow(RangeError);
  });

  test("a reload that makes it another kind ends what was verified before", () => {
    const approval = verifyApproval(
      unverified(signedBy(["k", signature])),
      subject(),
      storeWith(asSsh),
      NOW_MS,
    );
    expect(codeOf(() => approval.recheck(NOW_MS, storeWith(asSsh)))).toBe("ok");
    expect(codeOf(() => approval.recheck(NOW_MS, storeWith(asPlain)))).toBe(
      "approval_signature_invalid",
    );
  });
});

describe("an action that asks for", () => {
  const strength = (require: "any" | "hardware" | "user_verified", keyid: string, flags?: number) =>
    verdict(signedBy([keyid, signatureOf(keyid, flags)]), { needed: needed(1, { require }) }, own);
  // every approver may be the `iss`
  const own = trustOf([approver("file", { keys: keyids.map(keyOf) })]);
  const weak = "approval_key_too_weak";

  test.each([
    ["file", undefined, "ok", weak, weak],
    ["ed25519", undefined, "ok", weak, weak],
    ["ed25519-sk", UP, "ok", "ok", weak],
    ["ed25519-sk", UP | UV, "ok", "ok", "ok"],
    ["ecdsa-sk", UP, "ok", "ok", weak],
    ["ecdsa-sk", UP | UV, "ok", "ok", "ok"],
    ["ES256", UP, "ok", "ok", weak],
    ["ES256", UP | UV, "ok", "ok", "ok"],
    ["ES256", UP | UV | BE, "ok", weak, weak],
    ["EdDSA", UP, "ok", "ok", weak],
    ["EdDSA", UP | UV, "ok", "ok", "ok"],
    ["EdDSA", UP | UV | BE, "ok", weak, weak],
  ])(
    "any, hardware or user_verified takes %s with flags %s: %s, %s, %s",
    (keyid, flags, ...all) => {
      expect([
        strength("any", keyid, flags),
        strength("hardware", keyid, flags),
        strength("user_verified", keyid, flags),
      ]).toEqual(all);
    },
  );

  test("hardware takes no key in a file beside one of hardware", () => {
    const json = signedBy(file, ["ES256", signatureOf("ES256", UP | UV)]);
    expect(verdict(json, { needed: needed(1, { require: "hardware" }) })).toBe(weak);
  });

  test("stronger keys says so after scopes, and before too few signers", () => {
    const two = { needed: needed(2, { require: "hardware" }) };
    const scoped = trustOf([
      approver("file", { keys: [keyOf("file")], actions: new Set(["other"]) }),
    ]);
    expect(verdict(signedBy(file), two, scoped)).toBe("approval_scope_denied");
    expect(verdict(signedBy(file), two)).toBe(weak);
    expect(verdict(signedBy(["ES256", signatureOf("ES256")]), two, own)).toBe(
      "approval_signers_insufficient",
    );
  });

  test("a second signature of one key takes the first, and refuses a bad one", () => {
    const [strong, plain] = [signatureOf("ES256", UP | UV), signatureOf("ES256", UP)];
    const verified = { needed: needed(1, { require: "user_verified" }) };
    expect(verdict(signedBy(["ES256", strong], ["ES256", plain]), verified, own)).toBe("ok");
    expect(verdict(signedBy(["ES256", plain], ["ES256", strong]), verified, own)).toBe(weak);
    expect(verdict(signedBy(["ES256", strong], ["ES256", strong.subarray(1)]), verified, own)).toBe(
      "approval_signature_invalid",
    );
  });
});

describe("an action that asks for groups", () => {
  const groups = (asked: Record<string, number>, approvals = 2) => ({
    needed: needed(approvals, { groups: new Map(Object.entries(asked)) }),
  });
  const people = trustOf([
    approver("alice", { groups: new Set(["finance", "ops"]) }),
    approver("bob", { groups: new Set(["finance"]) }),
    approver("carol"),
  ]);
  const by = (...keyids: readonly string[]) => envelope(claims(), keyids);
  const few = "approval_signers_insufficient";

  test.each([
    [["alice-1", "bob-1"], { finance: 1, ops: 1 }, "ok"],
    [["bob-1", "alice-1"], { finance: 1, ops: 1 }, "ok"],
    [["alice-1"], { finance: 1, ops: 1 }, few],
    [["alice-1", "alice-2"], { finance: 1, ops: 1 }, few],
    [["alice-1", "carol-1"], { finance: 1, ops: 1 }, few],
    [["alice-1", "bob-1"], { ops: 2 }, few],
    [["alice-1", "bob-1"], { finance: 2 }, "ok"],
    [["alice-1", "carol-1"], { ops: 1 }, "ok"],
    [["alice-1", "bob-1", "carol-1"], { finance: 1, ops: 1 }, "ok"],
  ])("signed by %j, with seats %j: %s", (keyids, asked, expected) => {
    expect(verdict(by(...keyids), groups(asked), people)).toBe(expected);
  });
});
