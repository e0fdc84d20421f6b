import canonicalize from "canonicalize";
import fc from "fast-check";
import { expect, test } from "vitest";
import { verifyApproval } from "../../src/approval/verify.ts";
import { canonicalNode } from "../../src/core/json/canonical_json.ts";
import {
  base64Decode,
  base64Encode,
  equalBytes,
  utf8Decode,
  utf8Encode,
} from "../../src/core/bytes.ts";
import { verify } from "../../src/core/keys/ed25519.ts";
import { Refusal } from "../../src/core/errors.ts";
import { type JsonNode, parseIJson } from "../../src/core/json/json.ts";
import { sha256 } from "../../src/core/sha.ts";
import type { Json, JsonObject } from "../../src/core/types.ts";
import {
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
import { tally } from "../support/tally.ts";

const campaign = tally("mutated, by what was mutated");

/** What an attacker does to bytes: flip, replace, insert, delete, cut, repeat, swap. Never the bytes themselves. */
const mutation = fc.record({
  kind: fc.constantFrom("flip", "replace", "insert", "delete", "cut", "repeat", "swap"),
  at: fc.nat(),
  byte: fc.nat(255),
});

function mutate(
  bytes: Uint8Array,
  { kind, at, byte }: { kind: string; at: number; byte: number },
): Uint8Array {
  const i = bytes.length === 0 ? 0 : at % bytes.length;
  const head = bytes.subarray(0, i);
  const tail = bytes.subarray(i);
  switch (kind) {
    case "flip":
      return Uint8Array.from(bytes, (value, j) => j === i ? value ^ 1 << byte % 8 : value);
    case "replace":
      return Uint8Array.from(bytes, (value, j) => j === i ? byte : value);
    case "insert":
      return Uint8Array.from([...head, byte, ...tail]);
    case "delete":
      return Uint8Array.from([...head, ...tail.subarray(1)]);
    case "cut":
      return Uint8Array.from(head);
    case "repeat":
      return Uint8Array.from([...head, ...tail, ...tail]);
    default:
      return Uint8Array.from([...tail, ...head]);
  }
}

/** Counts it, and fails the test at once when a forgery got through. */
function mustHold(what: string, isHeld: boolean): void {
  campaign.count(what, isHeld ? "held" : "through");
  expect(isHeld).toBe(true);
}

const trust = trustOf();
const SIGNED = envelope(claims({ uses: 3, nonce: undefined }), ["alice-1", "bob-1"]);

function isRefused(json: Json): boolean {
  return codeOf(() =>
    verifyApproval(unverified(json), subject({ needed: needed(2) }), trust, NOW_MS)
  ) !==
    "ok";
}

function bytesOf(text: Json | undefined): Uint8Array {
  return base64Decode(String(text)) ?? new Uint8Array();
}

test("the approval that is mutated below is a good one", () => {
  expect(isRefused(SIGNED)).toBe(false);
});

test(
  "no byte of payload type, decoded body or counted signature can change without a refusal",
  () => {
    const signatures = JSON.parse(JSON.stringify(SIGNED["signatures"]));
    const part = fc.constantFrom(
      "payload type",
      "signed body",
      "first signature",
      "second signature",
    );
    fc.assert(
      fc.property(part, mutation, (what, change) => {
        const index = what === "first signature" ? 0 : 1;
        const original = what === "payload type"
          ? utf8Encode(String(SIGNED["payloadType"]))
          : what === "signed body"
          ? bytesOf(SIGNED["payload"])
          : bytesOf(signatures[index].sig);
        const changed = mutate(original, change);
        fc.pre(!equalBytes(changed, original));
        const forged: JsonObject = what === "payload type"
          ? { ...SIGNED, payloadType: utf8Decode(changed) ?? "\u0000" }
          : what === "signed body"
          ? { ...SIGNED, payload: base64Encode(changed) }
          : {
            ...SIGNED,
            signatures: signatures.with(index, {
              ...signatures[index],
              sig: base64Encode(changed),
            }),
          };
        mustHold(`approval: ${what}`, isRefused(forged));
      }),
      { numRuns: 4000 },
    );
  },
  120_000,
);

test("no change of an approval's text gets through unless it says the same", () => {
  const text = utf8Encode(JSON.stringify(SIGNED));
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (changes) => {
      const changed = changes.reduce(mutate, text);
      fc.pre(!equalBytes(changed, text));
      let node: JsonNode;
      try {
        node = parseIJson(changed);
      } catch (error) {
        return mustHold("approval: its JSON text", error instanceof Refusal);
      }
      // white space, escapes, the base64 alphabet and members outside the envelope say the same
      fc.pre(!saysTheSame(node));
      mustHold("approval: its JSON text", isRefused(JSON.parse(utf8Decode(changed) ?? "null")));
    }),
    { numRuns: 4000 },
  );
}, 120_000);

function saysTheSame(node: JsonNode): boolean {
  const read = JSON.parse(canonicalNode(node));
  const signed = JSON.parse(JSON.stringify(SIGNED));
  const list: unknown = read?.signatures;
  return read?.payloadType === signed.payloadType &&
    equalBytes(bytesOf(read.payload), bytesOf(signed.payload)) &&
    Array.isArray(list) && list.length === 2 &&
    list.every((one, i) =>
      one?.keyid === signed.signatures[i].keyid &&
      equalBytes(bytesOf(one.sig), bytesOf(signed.signatures[i].sig))
    );
}

test("no mutated signature verifies", () => {
  const signer = signerNamed("alice-1");
  const message = sha256(utf8Encode("a message"));
  const good = signer.sign(message);
  expect(verify(good, message, signer.publicKey)).toBe(true);
  fc.assert(
    fc.property(fc.constantFrom("signature", "message", "key"), mutation, (what, change) => {
      const parts = { signature: good, message, key: signer.publicKey };
      const forged = { ...parts, [what]: mutate(parts[what], change) };
      fc.pre(!equalBytes(forged[what], parts[what]));
      mustHold(`signature: ${what}`, !verify(forged.signature, forged.message, forged.key));
    }),
    { numRuns: 10_000 },
  );
}, 120_000);

test("no mutated JSON body is read as something else than every other reader reads", () => {
  const body = String
    .raw`{"action":"charge_card","payload":{"amount":12.5,"é":[1,-0,1e21,{"__proto__":null}],` +
    String.raw`"to":"a\\b\"\u0000\ud83d\ude00"},"nonce":"n-1"}`;
  expect(codeOf(() => parseIJson(body))).toBe("ok");
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (changes) => {
      const changed = changes.reduce(mutate, utf8Encode(body));
      fc.pre(!equalBytes(changed, utf8Encode(body)));
      let canonical: string;
      try {
        canonical = canonicalNode(parseIJson(changed));
      } catch (error) {
        return mustHold("JSON body: refused, by a Refusal", error instanceof Refusal);
      }
      // it was read: then it must be what native JSON and an independent RFC 8785 make of the very same bytes
      const native: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(changed));
      mustHold("JSON body: still JSON, and read alike by all", canonical === canonicalize(native));
    }),
    { numRuns: 20_000 },
  );
}, 120_000);
