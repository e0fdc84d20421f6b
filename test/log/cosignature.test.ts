import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concatBytes, utf8Encode } from "../../src/core/bytes.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { logKey, openCheckpoint, signCheckpoint } from "../../src/log/checkpoint.ts";
import {
  checkCosignature,
  COSIGNATURE,
  formatSignatureLine,
  formatVkey,
  noteKeyId,
  parseSignedNote,
  parseWitness,
  type Witness,
} from "../../src/log/note.ts";
import { attach, cosign, witnessOf } from "./witness.ts";

const executorId = "openexec:h";
const log = signingKeyOf(new Uint8Array(32).fill(1));
const root = new Uint8Array(32).fill(7);
const checkpoint = signCheckpoint(executorId, 5, root, log);
const witness = witnessOf("witness.example/w1", 2);

function check(text: string, by: Witness = witness.key) {
  const note = parseSignedNote(text);
  if (note === undefined) throw new Error("the note under test is none");
  return checkCosignature(note, by);
}

describe("a witness's cosignature", () => {
  const line = cosign(checkpoint, witness, 1_700_000_000);
  const attached = attach(checkpoint, line);

  test("is found on the note, with its time, and leaves the log's own signature in place", () => {
    expect(check(attached)).toEqual({ status: "valid", timestampSeconds: 1_700_000_000 });
    expect(attached.startsWith(checkpoint)).toBe(true);
    expect(openCheckpoint(attached, executorId, [log.publicKey])?.size).toBe(5);
  });

  test("is absent where it is not, and another witness's does not count", () => {
    expect(check(checkpoint)).toEqual({ status: "absent" });
    expect(check(attached, witnessOf("witness.example/w1", 3).key)).toEqual({ status: "absent" });
    expect(check(attached, witnessOf("witness.example/w2", 2).key)).toEqual({ status: "absent" });
  });

  test("is invalid for another checkpoint", () => {
    const later = signCheckpoint(executorId, 6, root, log);
    expect(check(attach(later, line))).toEqual({ status: "invalid" });
  });

  test("is invalid with another time than the one signed", () => {
    const note = parseSignedNote(attached);
    const moved = (note?.signatures ?? []).map((signature, i) => {
      const bytes = Uint8Array.from(signature.signature);
      if (i === 1) bytes[7] = (bytes[7] ?? 0) ^ 1;
      return `${formatSignatureLine({ ...signature, signature: bytes })}\n`;
    });
    expect(check(`${note?.text}\n${moved.join("")}`)).toEqual({ status: "invalid" });
  });

  test("is invalid where a log's signature is passed off as one, whatever time it is given", () => {
    // The very key of the witness signs the bare note, as a log would.
    const bare = witness.sign(utf8Encode(parseSignedNote(checkpoint)?.text ?? ""));
    const forged = formatSignatureLine({
      name: witness.key.name,
      keyId: noteKeyId(witness.key),
      signature: concatBytes(new Uint8Array(8), bare),
    });
    expect(check(attach(checkpoint, forged))).toEqual({ status: "invalid" });
  });

  test("does not open a checkpoint as if the witness were the log", () => {
    const foreign = witnessOf(`${executorId}/log`, 2);
    const line = cosign(checkpoint, foreign, 1);
    const text = `${parseSignedNote(checkpoint)?.text}\n${line}\n`;
    expect(openCheckpoint(text, executorId, [foreign.key.publicKey])).toBeUndefined();
  });

  test("made by node:crypto out of the specification's words is accepted", () => {
    const seed = new Uint8Array(32).fill(2);
    const der = concatBytes(
      Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32),
      seed,
    );
    const key = createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
    const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
    const body = checkpoint.slice(0, checkpoint.indexOf("\n\n") + 1);
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime 1679315147\n${body}`), key);
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(1679315147n);
    const id = noteKeyId({ name: "w", algorithm: COSIGNATURE, publicKey });
    const line = `— w ${Buffer.concat([id, time, signature]).toString("base64")}`;
    const vkey = `w+${Buffer.from(id).toString("hex")}+${
      Buffer.concat([Uint8Array.of(COSIGNATURE), publicKey]).toString("base64")
    }`;
    const parsed = parseWitness(vkey);
    expect(parsed).toBeDefined();
    expect(check(attach(checkpoint, line), parsed)).toEqual({
      status: "valid",
      timestampSeconds: 1679315147,
    });
  });
});

test("the newest of a witness's lines counts, beside those of others", () => {
  const second = witnessOf("witness.example/w2", 4);
  const lines = [cosign(checkpoint, witness, 1), cosign(checkpoint, second, 2)];
  const again = [...lines, cosign(checkpoint, witness, 3)].reduce(attach, checkpoint);
  expect(parseSignedNote(again)?.signatures.length).toBe(4);
  expect(check(again)).toEqual({ status: "valid", timestampSeconds: 3 });
  expect(check(again, second.key)).toEqual({ status: "valid", timestampSeconds: 2 });
});

test("parseWitness() refuses a log's key", () => {
  expect(parseWitness(formatVkey(logKey(executorId, log.publicKey)))).toBeUndefined();
});
