import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { formatTreeHead, parseTreeHead } from "../../src/log/checkpoint.ts";
import {
  formatSignedNote,
  formatVkey,
  isNoteName,
  parseSignedNote,
  parseVkey,
} from "../../src/log/note.ts";
import {
  consistencyProof,
  inclusionProof,
  verifyConsistency,
  verifyInclusion,
} from "../../src/log/proof.ts";
import { formatTime, parseTime } from "../../src/log/time.ts";
import { formatTlogProof, parseTlogProof } from "../../src/log/tlog_proof.ts";
import { leafHash } from "../../src/log/tree.ts";
import { SampleLog } from "../log/sample_log.ts";
import { StoredTree } from "../log/stored_tree.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const name = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) =>
  isNoteName(text) && !/\p{Cc}/u.test(text)
);
const line = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !/\p{Cc}/u.test(text));

const treeHead = fc.record({
  origin: line,
  size: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  root: bytes(32),
  extensions: fc.array(line, { maxLength: 3 }),
});

const note = fc.record({
  text: fc.array(fc.oneof(line, fc.constant("")), { minLength: 1 }).map((lines) =>
    `${lines.join("\n")}\n`
  ),
  signatures: fc.array(
    fc.record({ name, keyId: bytes(4), signature: fc.uint8Array({ minLength: 1, maxLength: 90 }) }),
    { minLength: 1, maxLength: 16 },
  ),
});

const proof = fc.record({
  index: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  hashes: fc.array(bytes(32), { maxLength: 53 }),
  checkpoint: line,
  extra: fc.option(fc.uint8Array({ minLength: 1 })),
});

describe("what is written reads back:", () => {
  test("tree heads", () =>
    fc.assert(fc.property(treeHead, (head) => {
      expect(parseTreeHead(formatTreeHead(head))).toEqual(head);
    })));

  test("signed notes", () =>
    fc.assert(fc.property(note, (signed) => {
      expect(parseSignedNote(formatSignedNote(signed))).toEqual(signed);
    })));

  test("tlog-proofs", () =>
    fc.assert(fc.property(proof, (tlogProof) => {
      expect(parseTlogProof(formatTlogProof(tlogProof))).toEqual(tlogProof);
    })));

  test("verifier keys", () =>
    fc.assert(fc.property(name, bytes(32), fc.constantFrom(1, 4), (keyName, seed, algorithm) => {
      const key = { name: keyName, algorithm, publicKey: signingKeyOf(seed).publicKey } as const;
      expect(parseVkey(formatVkey(key))).toEqual(key);
    })));

  test("times", () =>
    fc.assert(fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (ms) => {
      expect(parseTime(formatTime(ms))).toBe(ms);
    })));
});

test("of all texts in the shape of a time, only those that formatTime() writes are times", () => {
  const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, "0"));
  const time = fc.tuple(
    fc.constantFrom("0000", "1900", "2000", "2023", "2024", "9999"),
    two(13),
    two(32),
    two(25),
    two(61),
  );
  fc.assert(
    fc.property(time, ([year, month, day, hour, minute]) => {
      const text = `${year}-${month}-${day}T${hour}:${minute}:${minute}.999Z`;
      const ms = parseTime(text);
      const exists = Number(month) >= 1 && Number(month) <= 12 && Number(hour) <= 23 &&
        Number(minute) <= 59 &&
        Number(day) >= 1 && Number(day) <= daysOf(Number(year), Number(month));
      expect(ms === undefined ? undefined : formatTime(ms)).toBe(exists ? text : undefined);
    }),
    { numRuns: 5000 },
  );
});

/** Of a month in the Gregorian calendar. */
function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

describe("what is read has one spelling: a text changed anywhere is refused, or was written for what it now says:", () => {
  const log = SampleLog.of(5);
  const formats: Record<string, readonly [string, (text: string) => string | undefined]> = {
    "a signed note": [log.checkpoint(), (text) => {
      const parsed = parseSignedNote(text);
      return parsed && formatSignedNote(parsed);
    }],
    "a tree head": [log.checkpoint().split("\n\n")[0] + "\n", (text) => {
      const parsed = parseTreeHead(text);
      return parsed && formatTreeHead(parsed);
    }],
    "a tlog-proof": [log.proof(3), (text) => {
      const parsed = parseTlogProof(text);
      return parsed && formatTlogProof(parsed);
    }],
  };

  test.each(Object.entries(formats))("%s", (_, [text, rewritten]) => {
    expect(rewritten(text)).toBe(text);
    const change = fc.record({
      at: fc.nat(text.length),
      removed: fc.nat(3),
      added: fc.oneof(
        fc.string({ maxLength: 3 }),
        fc.constantFrom("\n", "\n\n", " ", "0", "+", "=", "— "),
      ),
    });
    fc.assert(
      fc.property(change, ({ at, removed, added }) => {
        const changed = text.slice(0, at) + added + text.slice(at + removed);
        expect([undefined, changed]).toContain(rewritten(changed));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("for trees of any size", () => {
  const size = fc.integer({ min: 1, max: 300 });
  const leaves = Array.from({ length: 300 }, (_, i) => Uint8Array.of(i >> 8, i & 255));
  const tree = StoredTree.of(leaves);

  test("an inclusion proof holds, and not for a leaf beside it", () =>
    fc.assert(fc.property(size, fc.nat(), (total, pick) => {
      const index = pick % total;
      const hashes = inclusionProof(tree, index, total);
      const verified = (at: number) =>
        verifyInclusion(
          leafHash(leaves[at] ?? new Uint8Array()),
          index,
          total,
          hashes,
          tree.root(total),
        );
      expect(verified(index)).toBe(true);
      expect(verified((index + 1) % leaves.length)).toBe(false);
      expect(hashes.length).toBeLessThanOrEqual(Math.ceil(Math.log2(total)));
    })));

  test("a consistency proof holds, and not with a hash of it changed", () =>
    fc.assert(fc.property(size, size, fc.nat(), (a, b, pick) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const hashes = consistencyProof(tree, from, to);
      const verified = (path: readonly Uint8Array[]) =>
        verifyConsistency(from, to, tree.root(from), tree.root(to), path);
      expect(verified(hashes)).toBe(true);
      if (hashes.length > 0) {
        expect(verified(hashes.with(pick % hashes.length, new Uint8Array(32)))).toBe(false);
      }
    })));
});
