import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8Decode, utf8Encode } from "../../src/core/bytes.ts";
import { auditExport } from "../../src/audit/export.ts";
import { formatEntry, parseEntry } from "../../src/audit/export_format.ts";
import { SampleLog, unsuccessful } from "../log/sample_log.ts";

const RUNS = Number(Deno.env.get("OPENEXEC_MUTATIONS") ?? 1_000);

/** With a rotation in the middle, so that every kind of line and key is there to be changed. */
function sampleLog(): SampleLog {
  const log = new SampleLog();
  log.execute(1);
  log.refuse(1);
  log.rotate(2);
  log.execute(2, unsuccessful);
  log.execute(3);
  return log;
}

const log = sampleLog();
const text = log.export();
const bytes = utf8Encode(text);
const lines = text.split(/(?<=\n)/);
const first = 1;
const last = lines.length - 2;

type Mutation = (pick: number, other: number) => Uint8Array;

const joined = (changed: readonly string[]) => utf8Encode(changed.join(""));
const within = (pick: number, size: number) => pick % size;
const entryAt = (pick: number) => first + pick % (last - first + 1);
const line = (at: number) => lines[at] ?? "";

/** Gives every entry the number of the place it stands at, as whoever hides a deletion would. */
function renumbered(changed: readonly string[]): Uint8Array {
  return joined(changed.map((text, at) => {
    const entry = parseEntry(text);
    return entry === undefined ? text : formatEntry({ ...entry, index: at - first });
  }));
}

function swapped(pick: number, other: number): string[] {
  const a = entryAt(pick);
  const b = a === last ? first : a + 1 + other % (last - a);
  return lines.with(a, line(b)).with(b, line(a));
}

const mutations: Record<string, Mutation> = {
  "flip a bit": (pick, other) => bytes.with(within(pick, bytes.length), flip(pick, other)),
  "replace a byte": (pick, other) => {
    const at = within(pick, bytes.length);
    return bytes.with(at, ((bytes[at] ?? 0) + 1 + other % 255) % 256);
  },
  "delete bytes": (pick, other) => {
    const at = within(pick, bytes.length);
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + other % 200)]);
  },
  "insert white space": (pick, other) => {
    const at = within(pick, bytes.length + 1);
    const space = [0x20, 0x09, 0x0a, 0x0d][other % 4] ?? 0x20;
    return Uint8Array.from([...bytes.subarray(0, at), space, ...bytes.subarray(at)]);
  },
  "truncate": (pick) => bytes.slice(0, within(pick, bytes.length)),
  "append bytes": (pick, other) =>
    Uint8Array.from([...bytes, ...bytes.slice(pick % bytes.length), other % 256]),
  "delete an entry": (pick) => joined(lines.toSpliced(entryAt(pick), 1)),
  "delete the header or the checkpoint": (pick) =>
    joined(lines.toSpliced(pick % 2 === 0 ? 0 : -1, 1)),
  "duplicate an entry": (pick, other) =>
    joined(lines.toSpliced(entryAt(other), 0, line(entryAt(pick)))),
  "swap two entries": (pick, other) => joined(swapped(pick, other)),
  "delete an entry and renumber": (pick) => renumbered(lines.toSpliced(entryAt(pick), 1)),
  "duplicate an entry and renumber": (pick, other) =>
    renumbered(lines.toSpliced(entryAt(other), 0, line(entryAt(pick)))),
  "swap two entries and renumber": (pick, other) => renumbered(swapped(pick, other)),
};

function flip(pick: number, other: number): number {
  return (bytes[within(pick, bytes.length)] ?? 0) ^ 1 << other % 8;
}

const trust = { trustedKeys: [log.signer.publicKey] };

test(`an audit of an export finds ${RUNS} random mutations`, async () => {
  expect((await auditExport([bytes], trust)).problem).toBeNull();
  const counts = new Map<string, number>();
  const arbitrary = fc.tuple(fc.constantFrom(...Object.keys(mutations)), fc.nat(), fc.nat());
  await fc.assert(
    fc.asyncProperty(arbitrary, async ([name, pick, other]) => {
      const mutated = mutations[name]?.(pick, other) ?? bytes;
      expect(utf8Decode(mutated)).not.toBe(text);
      const report = await auditExport([mutated], trust);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      expect(report.ok).toBe(false);
      expect(report.problem).not.toBeNull();
    }),
    { numRuns: RUNS },
  );
  expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(RUNS);
  expect(counts.size).toBe(Object.keys(mutations).length);
}, 300_000);

test("an audit of an export finds two flips in every byte of a line of each kind", async () => {
  let start = 0;
  for (const [at, text] of lines.entries()) {
    const length = utf8Encode(text).length;
    if ([0, 1, 4, lines.length - 1].includes(at)) {
      for (let i = start; i < start + length; i++) {
        for (const bit of [0, 5]) {
          const mutated = bytes.with(i, (bytes[i] ?? 0) ^ 1 << bit);
          expect((await auditExport([mutated], trust)).ok, `byte ${i}`).toBe(false);
        }
      }
    }
    start += length;
  }
  expect(start).toBe(bytes.length);
}, 300_000);

test("a tail cut off behind an older checkpoint is found by any later one, and by no other", async () => {
  const grown = SampleLog.of(12);
  const total = grown.entries.length;
  const sizes = fc.integer({ min: 1, max: total });
  await fc.assert(
    fc.asyncProperty(sizes, sizes, async (size, kept) => {
      const cut = new SampleLog();
      for (const entry of grown.entries.slice(1, size)) {
        cut.entries.push(entry);
        cut.tree.append(entry.body);
      }
      const options = { checkpoints: [grown.checkpoint(kept)] };
      const report = await auditExport([utf8Encode(cut.export())], options);
      expect(report.problem?.code).toBe(kept > size ? "checkpoint_mismatch" : undefined);
    }),
  );
});
