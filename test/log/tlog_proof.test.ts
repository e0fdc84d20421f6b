import { describe, expect, test } from "vitest";
import { base64Encode, hexDecode, utf8Encode } from "../../src/core/bytes.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { signCheckpoint } from "../../src/log/checkpoint.ts";
import { inclusionProof } from "../../src/log/proof.ts";
import {
  formatTlogProof,
  parseTlogProof,
  type TlogProof,
  verifyTlogProof,
} from "../../src/log/tlog_proof.ts";
import { leafHash } from "../../src/log/tree.ts";
import { vectors } from "./merkle_vectors.ts";
import { StoredTree } from "./stored_tree.ts";

const executorId = "openexec:test-host";
const signer = signingKeyOf(hexDecode(vectors.checkpoint.seed_hex) ?? new Uint8Array());
const tree = StoredTree.of(vectors.leaves);
const leaf = (i: number) => leafHash(vectors.leaves[i] ?? new Uint8Array());

function proofOf(index: number, size = 21): TlogProof {
  const checkpoint = signCheckpoint(executorId, size, tree.root(size), signer);
  return { index, hashes: inclusionProof(tree, index, size), checkpoint, extra: null };
}

describe("a tlog-proof", () => {
  test("is laid out as C2SP says", () => {
    const hash = base64Encode(leaf(1));
    expect(formatTlogProof(proofOf(0, 2))).toBe(
      `c2sp.org/tlog-proof@v1\nindex 0\n${hash}\n\n${
        signCheckpoint(executorId, 2, tree.root(2), signer)
      }`,
    );
  });

  test("reads as it was written, for every entry, with and without extra data", () => {
    for (let index = 0; index < 21; index++) {
      for (const extra of [null, utf8Encode("more")]) {
        const proof = { ...proofOf(index), extra };
        const parsed = parseTlogProof(formatTlogProof(proof));
        expect(parsed).toEqual(proof);
        expect(formatTlogProof(parsed ?? proof)).toBe(formatTlogProof(proof));
      }
    }
  });

  test("of the only entry of a log has no hash", () => {
    const parsed = parseTlogProof(formatTlogProof(proofOf(0, 1)));
    expect(parsed?.hashes).toEqual([]);
    expect(verifyTlogProof(proofOf(0, 1), leaf(0), executorId, [signer.publicKey])?.size).toBe(1);
  });

  const text = formatTlogProof(proofOf(5));

  test.each([
    ["another version", text.replace("@v1", "@v2")],
    ["no index", text.replace(/index 5\n/, "")],
    ["a leading zero", text.replace("index 5", "index 05")],
    ["a negative index", text.replace("index 5", "index -5")],
    ["a hash without padding", text.replace("=\n", "\n")],
    ["extra data after the index", text.replace("index 5\n", "index 5\nextra AAAA\n")],
    ["extra data that is not base64", text.replace("index 5\n", "extra ?\nindex 5\n")],
    ["a carriage return", text.replace("index 5\n", "index 5\r\n")],
    ["nothing after the hashes", text.slice(0, text.indexOf("\n\n"))],
    [
      "more hashes than a tree is deep",
      text.replace("\n\n", `${`\n${base64Encode(leaf(0))}`.repeat(60)}\n\n`),
    ],
  ])("is refused with %s", (_, changed) => {
    expect(changed).not.toBe(text);
    expect(parseTlogProof(changed)).toBeUndefined();
  });
});

describe("verifyTlogProof()", () => {
  const keys = [signer.publicKey];

  test("opens the checkpoint for every entry", () => {
    for (let i = 0; i < 21; i++) {
      expect(verifyTlogProof(proofOf(i), leaf(i), executorId, keys)?.size).toBe(21);
    }
  });

  test("refuses another entry, another index, another executor and another key", () => {
    const proof = proofOf(5);
    expect(verifyTlogProof(proof, leaf(6), executorId, keys)).toBeUndefined();
    expect(verifyTlogProof({ ...proof, index: 6 }, leaf(5), executorId, keys)).toBeUndefined();
    expect(verifyTlogProof(proof, leaf(5), "openexec:other", keys)).toBeUndefined();
    const other = signingKeyOf(new Uint8Array(32).fill(1)).publicKey;
    expect(verifyTlogProof(proof, leaf(5), executorId, [other])).toBeUndefined();
  });

  test("refuses a proof with the checkpoint of another size", () => {
    expect(
      verifyTlogProof(
        { ...proofOf(5), checkpoint: proofOf(5, 20).checkpoint },
        leaf(5),
        executorId,
        keys,
      ),
    )
      .toBeUndefined();
  });

  test("trusts no extra data: it changes nothing", () => {
    expect(
      verifyTlogProof({ ...proofOf(5), extra: utf8Encode("lie") }, leaf(5), executorId, keys)?.size,
    )
      .toBe(21);
  });
});
