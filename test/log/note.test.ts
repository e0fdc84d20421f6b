import { describe, expect, test } from "vitest";
import { base64Encode, concatBytes, hexEncode, utf8Encode } from "../../src/core/bytes.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { sha256 } from "../../src/core/sha.ts";
import {
  formatSignedNote,
  formatVkey,
  type NoteKey,
  parseSignedNote,
  parseVkey,
  signaturesBy,
} from "../../src/log/note.ts";

const signature = base64Encode(new Uint8Array(68).fill(1));
const line = `— name ${signature}\n`;

describe("parseSignedNote()", () => {
  test("reads text and signatures, and formatSignedNote() writes them back", () => {
    const text = `one\n\ntwo\n\n${line}— other ${signature}\n`;
    const note = parseSignedNote(text);
    expect(note?.text).toBe("one\n\ntwo\n");
    expect(note?.signatures.map(({ name }) => name)).toEqual(["name", "other"]);
    expect(formatSignedNote(note ?? { text: "", signatures: [] })).toBe(text);
  });

  test("accepts signatures of any length that it does not know", () => {
    expect(parseSignedNote(`x\n\n— pq ${base64Encode(new Uint8Array(2424))}\n`)?.signatures.length)
      .toBe(1);
  });

  test("accepts 16 signatures, and refuses more than it would look through", () => {
    expect(parseSignedNote(`x\n\n${line.repeat(16)}`)?.signatures.length).toBe(16);
    expect(parseSignedNote(`x\n\n${line.repeat(101)}`)).toBeUndefined();
  });

  test.each([
    ["nothing", ""],
    ["no signature", "x\n\n"],
    ["no empty line", `x\n${line}`],
    ["no final newline", `x\n\n${line.trimEnd()}`],
    ["text after the signatures", `x\n\n${line}y\n`],
    ["an empty line after the signatures", `x\n\n${line}\n`],
    ["a hyphen for the dash", `x\n\n- name ${signature}\n`],
    ["two spaces", `x\n\n—  name ${signature}\n`],
    ["a tab", `x\n\n—\tname ${signature}\n`],
    ["a carriage return", `x\r\n\n${line}`],
    ["a NUL", `x\0\n\n${line}`],
    ["a lone surrogate", `x\ud800\n\n${line}`],
    ["a plus in the name", `x\n\n— na+me ${signature}\n`],
    ["a Unicode space in the name", `x\n\n— na\u00a0me ${signature}\n`],
    ["no name", `x\n\n—  ${signature}\n`],
    [
      "a signature without padding",
      `x\n\n— name ${base64Encode(new Uint8Array(67)).replaceAll("=", "")}\n`,
    ],
    ["a key id and no signature", `x\n\n— name ${base64Encode(new Uint8Array(4))}\n`],
    ["something after the signature", `x\n\n— name ${signature} more\n`],
  ])("refuses %s", (_, text) => expect(parseSignedNote(text)).toBeUndefined());
});

describe("a verifier key", () => {
  const publicKey = signingKeyOf(new Uint8Array(32).fill(3)).publicKey;
  const key: NoteKey = { name: "example.com/log", algorithm: 1, publicKey };
  const text = formatVkey(key);

  test("reads as it was written, though its base64 may hold a plus", () => {
    for (let i = 0; i < 64; i++) {
      const some = { ...key, publicKey: signingKeyOf(new Uint8Array(32).fill(i)).publicKey };
      expect(parseVkey(formatVkey(some))).toEqual(some);
    }
  });

  const [name = "", id = "", ...rest] = text.split("+");
  const material = rest.join("+");

  test.each([
    ["another id", `${name}+00000000+${material}`],
    ["an id in capitals", `${name}+${id.toUpperCase()}+${material}`],
    ["a short id", `${name}+${id.slice(1)}+${material}`],
    ["another name", `example.org/log+${id}+${material}`],
    ["no name", `+${id}+${material}`],
    ["a space in the name", `exa mple+${id}+${material}`],
    ["a longer key", `${name}+${id}+${base64Encode(new Uint8Array(34))}`],
    ["nothing", ""],
  ])("is refused with %s", (_, vkey) => {
    expect(parseVkey(text)).toBeDefined();
    expect(parseVkey(vkey)).toBeUndefined();
  });

  test("is refused with a type that is not known here", () => {
    const material = concatBytes(Uint8Array.of(2), publicKey);
    const id = hexEncode(sha256(utf8Encode(`${key.name}\n`), material).slice(0, 4));
    expect(parseVkey(`${key.name}+${id}+${base64Encode(material)}`)).toBeUndefined();
  });

  test("is refused with a key of small order", () => {
    const small = new Uint8Array(32);
    small[0] = 1;
    expect(parseVkey(formatVkey({ ...key, publicKey: small }))).toBeUndefined();
  });

  test("claims only signatures with its name and its id", () => {
    const bytes = utf8Encode("x");
    const note = {
      text: "x\n",
      signatures: [{ name: key.name, keyId: bytes.slice(0, 4), signature: bytes }],
    };
    expect(signaturesBy(note, key)).toEqual([]);
  });
});
