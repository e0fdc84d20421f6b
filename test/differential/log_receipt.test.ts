/** Our receipts against another DSSE implementation (@sigstore/core) with the runtime's own Ed25519. */

import { createPublicKey, verify } from "node:crypto";
import { Buffer } from "node:buffer";
import { dsse } from "@sigstore/core";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { preAuthEncoding } from "../../src/core/dsse.ts";
import { base64Encode } from "../../src/core/bytes.ts";
import type { JsonObject } from "../../src/core/types.ts";
import { SampleLog, unsuccessful } from "../log/sample_log.ts";

const log = SampleLog.of(3);
log.execute(9, unsuccessful);
const jwk = {
  kty: "OKP",
  crv: "Ed25519",
  x: Buffer.from(log.signer.publicKey).toString("base64url"),
};
const publicKey = createPublicKey({ key: jwk, format: "jwk" });

const envelopeSchema = v.object({
  payload: v.string(),
  payloadType: v.string(),
  signatures: v.array(v.object({ keyid: v.string(), sig: v.string() })),
});

function verifiesElsewhere(envelope: JsonObject): boolean {
  const { payload, payloadType, signatures } = v.parse(envelopeSchema, envelope);
  const message = dsse.preAuthEncoding(payloadType, Buffer.from(payload, "base64"));
  return signatures.every(({ sig }) =>
    verify(null, message, publicKey, Buffer.from(sig, "base64"))
  );
}

describe("an independent DSSE verifier", () => {
  test("accepts every receipt of a log", () => {
    expect(log.entries.length).toBeGreaterThan(4);
    for (const { index } of log.entries) expect(verifiesElsewhere(log.envelope(index))).toBe(true);
  });

  test("refuses one under another payload type, and one with another body", () => {
    const envelope = log.envelope(1);
    expect(verifiesElsewhere({ ...envelope, payloadType: "application/json" })).toBe(false);
    expect(verifiesElsewhere({ ...envelope, payload: base64Encode(log.entry(2).body) })).toBe(
      false,
    );
  });

  test("encodes every type and body for signing as we do", () => {
    const text = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(
        fc.oneof(text, fc.constant(String(log.envelope(1)["payloadType"]))),
        fc.uint8Array(),
        (type, body) => {
          const theirs = dsse.preAuthEncoding(type, Buffer.from(body));
          expect(Uint8Array.from(preAuthEncoding(type, body))).toEqual(Uint8Array.from(theirs));
        },
      ),
    );
  });
});
