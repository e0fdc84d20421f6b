import { describe, expect, test } from "vitest";
import { base64Encode, equalBytes, hexDecode, utf8Encode } from "../../src/core/bytes.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import {
  formatTreeHead,
  logKey,
  openCheckpoint,
  originOf,
  parseTreeHead,
  signCheckpoint,
} from "../../src/log/checkpoint.ts";
import { formatSignatureLine, formatVkey, noteKeyId, parseVkey } from "../../src/log/note.ts";
import { vectors } from "./merkle_vectors.ts";

const vector = vectors.checkpoint;
const signer = signingKeyOf(hexDecode(vector.seed_hex) ?? new Uint8Array());
const executorId = "openexec:test-host";
const root = vectors.roots[vector.size] ?? new Uint8Array();
const other = signingKeyOf(new Uint8Array(32).fill(9));

describe("the checkpoint that another implementation made", () => {
  test("is what signCheckpoint() makes, byte for byte", () => {
    expect(originOf(executorId)).toBe(vector.origin);
    expect(signCheckpoint(executorId, vector.size, root, signer)).toBe(vector.signed_note);
  });

  test("is opened with its vkey's key", () => {
    const key = parseVkey(vector.vkey);
    const checkpoint = openCheckpoint(vector.signed_note, executorId, [
      key?.publicKey ?? new Uint8Array(),
    ]);
    expect(checkpoint?.size).toBe(21);
    expect(equalBytes(checkpoint?.root ?? new Uint8Array(), root)).toBe(true);
    expect(checkpoint?.extensions).toEqual([]);
  });

  test("names the vkey that formatVkey() prints", () => {
    expect(formatVkey(logKey(executorId, signer.publicKey))).toBe(vector.vkey);
  });
});

describe("openCheckpoint() refuses", () => {
  const open = (text: string, keys = [signer.publicKey], id = executorId) =>
    openCheckpoint(text, id, keys);
  const note = vector.signed_note;

  test("another executor's checkpoint, though signed by the same key", () => {
    const foreign = signCheckpoint("openexec:other-host", vector.size, root, signer);
    expect(open(foreign)).toBeUndefined();
    expect(open(foreign, [signer.publicKey], "openexec:other-host")?.size).toBe(21);
  });

  test("a text of another origin, though this log's key signed it under its own name", () => {
    const text = formatTreeHead({
      origin: "openexec:other-host/log",
      size: 21,
      root,
      extensions: [],
    });
    const key = logKey(executorId, signer.publicKey);
    const line = {
      name: key.name,
      keyId: noteKeyId(key),
      signature: signer.sign(utf8Encode(text)),
    };
    expect(open(`${text}\n${formatSignatureLine(line)}\n`)).toBeUndefined();
  });

  test("a checkpoint whose key name is another than its origin", () => {
    expect(open(note.replace("— openexec:test-host/log", "— openexec:test-host/lag")))
      .toBeUndefined();
  });

  test("a checkpoint that none of the keys signed", () => {
    expect(open(note, [other.publicKey])).toBeUndefined();
    expect(open(note, [])).toBeUndefined();
  });

  test("a note with one good signature and one by a trusted key that does not verify", () => {
    const key = logKey(executorId, other.publicKey);
    const bad = {
      name: key.name,
      keyId: noteKeyId(key),
      signature: other.sign(utf8Encode("something else")),
    };
    const both = `${note}${formatSignatureLine(bad)}\n`;
    expect(open(both)?.size).toBe(21);
    expect(open(both, [signer.publicKey, other.publicKey])).toBeUndefined();
  });

  test("any single byte changed", () => {
    const bytes = utf8Encode(note);
    const decoder = new TextDecoder();
    for (let i = 0; i < bytes.length; i++) {
      const changed = Uint8Array.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(open(decoder.decode(changed)), `byte ${i}`).toBeUndefined();
    }
  });
});

describe("parseTreeHead()", () => {
  const hash = base64Encode(new Uint8Array(32));

  test("keeps extension lines", () => {
    expect(parseTreeHead(`o/log\n0\n${hash}\nmore\nand more\n`)?.extensions).toEqual([
      "more",
      "and more",
    ]);
  });

  test.each([
    ["a leading zero", `o/log\n01\n${hash}\n`],
    ["a sign", `o/log\n+1\n${hash}\n`],
    ["an exponent", `o/log\n1e3\n${hash}\n`],
    ["a size no number holds", `o/log\n9007199254740993\n${hash}\n`],
    ["no origin", `\n1\n${hash}\n`],
    ["an empty extension line", `o/log\n1\n${hash}\n\n`],
    ["a short root", `o/log\n1\n${base64Encode(new Uint8Array(31))}\n`],
    ["a root without padding", `o/log\n1\n${hash.replace("=", "")}\n`],
    [
      "a root in the other alphabet",
      `o/log\n1\n${base64Encode(new Uint8Array(32).fill(255)).replaceAll("/", "_")}\n`,
    ],
    ["no root", "o/log\n1\n"],
    ["no final newline", `o/log\n1\n${hash}`],
  ])("refuses %s", (_, text) => expect(parseTreeHead(text)).toBeUndefined());
});

test("signCheckpoint() refuses an executor id that no key name can hold", () => {
  expect(() => signCheckpoint("two words", 1, root, signer)).toThrow(RangeError);
  expect(() => signCheckpoint("a+b", 1, root, signer)).toThrow(RangeError);
});
