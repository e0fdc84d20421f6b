/** Assertions as a browser hands them over, and what an attacker can make of them. */

import { describe, expect, test } from "vitest";
import { base64UrlEncode, concatBytes, utf8Encode } from "../../src/core/bytes.ts";
import { sha256 } from "../../src/core/sha.ts";
import { parsePasskey, verifyAssertion } from "../../src/core/keys/webauthn.ts";
import {
  assertionJson,
  AT,
  BE,
  BS,
  ED,
  type Said,
  SoftwarePasskey,
  UP,
  UV,
} from "../support/software_passkey.ts";
import { isAcceptedElsewhere } from "../support/webauthn_opinion.ts";

const message = utf8Encode("the bytes of an approval");
const passkeys = { EdDSA: new SoftwarePasskey("EdDSA"), ES256: new SoftwarePasskey("ES256") };
const algorithms = ["EdDSA", "ES256"] as const;
const challenge = base64UrlEncode(sha256(message));

describe.each(algorithms)("an assertion by %s", (algorithm) => {
  const passkey = passkeys[algorithm];
  const key = passkey.key();
  const verdict = (said: Said) => verifyAssertion(passkey.sign(message, said), message, key);

  test.each([
    ["verified the person", UP | UV, { userVerified: true, backupEligible: false }],
    ["only found one present", UP, { userVerified: false, backupEligible: false }],
    ["may be synced", UP | UV | BE, { userVerified: true, backupEligible: true }],
    ["was synced", UP | BE | BS, { userVerified: false, backupEligible: true }],
  ])("says that its authenticator %s", (_, flags, expected) => {
    expect(verdict({ flags })).toEqual(expected);
  });

  const refused: readonly (readonly [string, Said])[] = [
    ["without presence", { flags: UV }],
    ["without any flag", { flags: 0 }],
    ["with attested data, said to be there", { flags: UP | AT }],
    ["with attested data that is there", { flags: UP | AT, more: new Uint8Array(60) }],
    ["with extensions, said to be there", { flags: UP | ED }],
    ["with extensions that are there", { flags: UP | ED, more: Uint8Array.of(0xa0) }],
    ["synced, but not to be synced", { flags: UP | UV | BS }],
    ["with a byte behind its data", { more: Uint8Array.of(0) }],
    ["for another RP", { rpId: "example.com" }],
    ["for a name below ours", { rpId: "a.localhost" }],
    ["at another origin", { clientData: { origin: "http://evil.example" } }],
    ["at another port", { clientData: { origin: "http://localhost:8823" } }],
    ["at another scheme", { clientData: { origin: "https://localhost:8822" } }],
    ["at an origin with a slash behind it", { clientData: { origin: "http://localhost:8822/" } }],
    ["at an origin in capitals", { clientData: { origin: "HTTP://LOCALHOST:8822" } }],
    ["at no origin", { clientData: { origin: undefined } }],
    ["in a frame of another origin", { clientData: { crossOrigin: true } }],
    ["in a frame, said in text", { clientData: { crossOrigin: "false" } }],
    ["below another page", { clientData: { topOrigin: "http://evil.example" } }],
    ["below our own page", { clientData: { topOrigin: "http://localhost:8822" } }],
    ["made for an enrolment", { clientData: { type: "webauthn.create" } }],
    ["made for a payment", { clientData: { type: "payment.get" } }],
    ["over a stale challenge", {
      clientData: { challenge: base64UrlEncode(sha256(utf8Encode("earlier"))) },
    }],
    ["over the challenge, padded", { clientData: { challenge: `${challenge}=` } }],
    ["over the message itself", { clientData: { challenge: base64UrlEncode(message) } }],
    ["with a challenge that stands twice", {
      clientDataText: `{"type":"webauthn.get","challenge":"x","challenge":"${challenge}",` +
        '"origin":"http://localhost:8822"}',
    }],
    ["with client data behind a byte-order mark", {
      clientDataText: `\ufeff{"type":"webauthn.get","challenge":"${challenge}",` +
        '"origin":"http://localhost:8822"}',
    }],
    ["with client data that are no object", { clientDataText: "[]" }],
  ];
  test.each(refused)("is refused %s", (_, said) => {
    expect(verdict(said)).toBeUndefined();
  });

  test("may say more than we know, and leave crossOrigin out", () => {
    const clientData = { crossOrigin: undefined, other_keys_can_be_added_here: "do not compare" };
    expect(verdict({ clientData })).toBeDefined();
  });

  test("counts for no other message and no other key", () => {
    const signature = passkey.sign(message);
    expect(verifyAssertion(signature, utf8Encode("other bytes"), key)).toBeUndefined();
    expect(verifyAssertion(signature, message, new SoftwarePasskey(algorithm).key()))
      .toBeUndefined();
  });

  test("counts at each origin that is configured, and at no other", () => {
    const origins = ["http://localhost:8822", "http://localhost:9000"];
    const at = (origin: string) =>
      verifyAssertion(
        passkey.sign(message, { clientData: { origin } }),
        message,
        passkey.key("localhost", origins),
      );
    expect(at("http://localhost:9000")).toBeDefined();
    expect(at("http://localhost:9001")).toBeUndefined();
    expect(at("http://localhost")).toBeUndefined();
  });

  test("counts for nothing with any byte of its members changed", () => {
    const members = passkey.assert(message);
    for (const [name, bytes] of Object.entries(members)) {
      for (let at = 0; at < bytes.length; at++) {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 1;
        const signature = assertionJson({ ...members, [name]: changed });
        expect(verifyAssertion(signature, message, key), `${name} ${at}`).toBeUndefined();
      }
    }
  });

  test("has one spelling", () => {
    const members = passkey.assert(message);
    const text = new TextDecoder().decode(assertionJson(members));
    const standard = (members["signature"] ?? new Uint8Array()).toBase64();
    const spellings = [
      text.replace("}", ',"userHandle":"AA"}'),
      text.replace('","', '==","'),
      text.replace(/"signature":"[^"]*"/, `"signature":"${standard}"`),
      `[${text}]`,
      `\ufeff${text}`,
      text.replace(/"signature":"[^"]*"/, '"signature":1'),
      text.replace(/,"signature":"[^"]*"/, ""),
      text.replace("{", '{"signature":"AA",'),
      ...Object.keys(members).map((name) => text.replace(`"${name}":"`, `"${name}":"!`)),
      "",
      "{}",
      "null",
    ];
    for (const spelling of spellings) {
      expect(verifyAssertion(utf8Encode(spelling), message, key), spelling).toBeUndefined();
    }
    expect(verifyAssertion(members["signature"] ?? new Uint8Array(), message, key)).toBeUndefined();
  });

  test("is taken and refused by @simplewebauthn/server in the same places", async () => {
    const shared: readonly Said[] = [
      {},
      { flags: UP },
      { flags: UV },
      { rpId: "example.com" },
      { clientData: { origin: "http://evil.example" } },
      { clientData: { type: "webauthn.create" } },
      { clientData: { challenge: "AAAA" } },
      { flags: UP | BS },
    ];
    for (const said of shared) {
      const members = passkey.assert(message, said);
      expect(await isAcceptedElsewhere(members, message, key), JSON.stringify(said)).toBe(
        verdict(said) !== undefined,
      );
    }
  });
});

describe("an ES256 signature has one spelling in DER, and either s:", () => {
  const passkey = passkeys.ES256;
  const members = passkey.assert(message);
  const der = members["signature"] ?? new Uint8Array();
  const verdict = (signature: Uint8Array) =>
    verifyAssertion(assertionJson({ ...members, signature }), message, passkey.key());
  const rLength = der[3] ?? 0;
  const r = der.subarray(4, 4 + rLength);
  const s = der.subarray(6 + rLength);
  const integer = (bytes: Uint8Array) => Uint8Array.of(2, bytes.length, ...bytes);
  const sequence = (...parts: readonly Uint8Array[]) => {
    const content = concatBytes(...parts);
    return Uint8Array.of(0x30, content.length, ...content);
  };
  const zero = (bytes: Uint8Array) => Uint8Array.of(0, ...bytes);
  const filled = (bytes: Uint8Array, length: number) =>
    concatBytes(bytes.subarray(1), new Uint8Array(length - bytes.length));

  test("as it was made", () => {
    expect(sequence(integer(r), integer(s))).toEqual(der);
    expect(verdict(der)).toBeDefined();
  });

  test("with n - s", () => {
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const other = Uint8Array.fromHex(
      (n - BigInt(`0x${s.toHex()}`)).toString(16).padStart(64, "0").replace(/^(00)+/, ""),
    );
    const isHigh = (other[0] ?? 0) > 0x7f;
    expect(verdict(sequence(integer(r), integer(isHigh ? zero(other) : other)))).toBeDefined();
  });

  test.each([
    ["a zero before r", sequence(integer(zero(r)), integer(s))],
    ["a zero before s", sequence(integer(r), integer(zero(s)))],
    ["a length of two bytes", Uint8Array.of(0x30, 0x81, ...der.subarray(1))],
    ["a length of two bytes, and bytes to fill it", Uint8Array.of(0x30, 0x81, ...filled(der, 131))],
    ["a sequence that says it is longer", der.with(1, (der[1] ?? 0) + 1)],
    ["an s that says it is longer", der.with(5 + rLength, s.length + 1)],
    ["a byte behind", Uint8Array.of(...der, 0)],
    ["a byte behind, inside", sequence(integer(r), integer(s), Uint8Array.of(0))],
    ["another tag", Uint8Array.of(0x31, ...der.subarray(1))],
    ["no s", sequence(integer(r))],
    ["s of 0", sequence(integer(r), integer(Uint8Array.of(0)))],
    ["r and s as 64 bytes", concatBytes(r.slice(-32), s.slice(-32))],
    ["nothing", new Uint8Array()],
  ])("but not with %s", (_, signature) => expect(verdict(signature)).toBeUndefined());
});

describe("parsePasskey()", () => {
  test("reads both algorithms, and the keys themselves", () => {
    expect(parsePasskey(passkeys.EdDSA.spki)).toMatchObject({ algorithm: "EdDSA" });
    expect(parsePasskey(passkeys.ES256.spki)).toMatchObject({ algorithm: "ES256" });
    expect(parsePasskey(passkeys.ES256.spki)?.publicKey).toHaveLength(65);
  });

  test("refuses points off the curve, of small order, compressed, cut and longer ones", () => {
    const p256 = Uint8Array.fromBase64(passkeys.ES256.spki);
    const changed = (at: number, value: number) => p256.with(at, value);
    const rows = [
      changed(40, (p256[40] ?? 0) ^ 1),
      changed(26, 2),
      p256.subarray(0, 90),
      Uint8Array.of(...p256, 0),
      concatBytes(p256.subarray(0, 27), new Uint8Array(64)),
      concatBytes(p256.subarray(0, 27), new Uint8Array(64).fill(0xff)),
      concatBytes(Uint8Array.fromBase64(passkeys.EdDSA.spki).subarray(0, 12), new Uint8Array(32)),
      new Uint8Array(),
    ];
    for (const row of rows) expect(parsePasskey(row.toBase64()), row.toHex()).toBeUndefined();
    expect(parsePasskey("!")).toBeUndefined();
  });
});
