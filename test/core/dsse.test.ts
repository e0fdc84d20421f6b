import { describe, expect, test } from "vitest";
import { base64Encode, utf8Decode, utf8Encode } from "../../src/core/bytes.ts";
import { envelopeJson, parseEnvelope, preAuthEncoding } from "../../src/core/dsse.ts";
import { SIGNATURES_MAX } from "../../src/core/limits.ts";

const parse = (json: unknown) => parseEnvelope(JSON.parse(JSON.stringify(json)));
const sig = base64Encode(new Uint8Array(64).fill(7));
const good = { payload: "aGVsbG8=", payloadType: "text/plain", signatures: [{ keyid: "k", sig }] };

describe("preAuthEncoding()", () => {
  test("is the one of the specification's test vector", () => {
    const encoded = preAuthEncoding("http://example.com/HelloWorld", utf8Encode("hello world"));
    expect(utf8Decode(encoded)).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  });

  test("counts bytes, not characters", () => {
    expect(utf8Decode(preAuthEncoding("é", utf8Encode("日本")))).toBe("DSSEv1 2 é 6 日本");
  });
});

describe("parseEnvelope()", () => {
  test("reads what envelopeJson() wrote", () => {
    const envelope = parse(good);
    expect(envelope).toBeDefined();
    expect(envelope && envelopeJson(envelope)).toEqual(good);
  });

  test("ignores unknown members, as DSSE 1.0.2 asks of consumers", () => {
    const extended = {
      ...good,
      extra: 1,
      signatures: [{ keyid: "k", sig, extension: { kind: "x" } }],
    };
    expect(parse(extended)).toEqual(parse(good));
  });

  test.each([
    ["no object", [good]],
    ["no payload", { ...good, payload: undefined }],
    ["a payload that is not text", { ...good, payload: 1 }],
    ["a payload with unused bits set", { ...good, payload: "aGVsbG9=" }],
    ["no payload type", { ...good, payloadType: undefined }],
    ["no signatures", { ...good, signatures: undefined }],
    ["an empty list of signatures", { ...good, signatures: [] }],
    ["signatures that are no list", { ...good, signatures: { 0: { keyid: "k", sig } } }],
    ["one signature without a keyid beside a good one", {
      ...good,
      signatures: [{ keyid: "k", sig }, { sig }],
    }],
    ["an empty keyid", { ...good, signatures: [{ keyid: "", sig }] }],
    ["a keyid that is not text", { ...good, signatures: [{ keyid: 1, sig }] }],
    ["a signature of no byte", { ...good, signatures: [{ keyid: "k", sig: "" }] }],
    ["a signature of 4097 bytes", {
      ...good,
      signatures: [{ keyid: "k", sig: base64Encode(new Uint8Array(4097)) }],
    }],
    ["more signatures than the limit", {
      ...good,
      signatures: Array.from({ length: SIGNATURES_MAX + 1 }, () => ({ keyid: "k", sig })),
    }],
  ])("refuses %s", (_, json) => {
    expect(parse(json)).toBeUndefined();
  });
});
