import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/core/json/canonical_json.ts";
import { utf8Encode } from "../../src/core/bytes.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { StartupError } from "../../src/core/startup_error.ts";
import { auditExport, exportLog, ExportReader, writeExport } from "../../src/audit/export.ts";
import {
  formatEntry,
  formatFinalCheckpoint,
  formatHeader,
  parseEntry,
} from "../../src/audit/export_format.ts";
import { byHardware, SampleLog, START_MS } from "../log/sample_log.ts";

const log = SampleLog.of(4);
const text = log.export();
const lines = text.split(/(?<=\n)/);
const bytes = utf8Encode(text);

async function problemOf(changed: string | readonly string[], options = {}) {
  const whole = typeof changed === "string" ? changed : changed.join("");
  const { ok, problem } = await auditExport([utf8Encode(whole)], options);
  expect(ok).toBe(problem === null);
  return problem === null ? "none" : [problem.code, problem.index];
}

function* cut(size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("an export", () => {
  test("is a header, a line for each entry, and a checkpoint, all of them RFC 8785", () => {
    expect(lines.length).toBe(log.entries.length + 2);
    for (const line of lines) expect(line).toBe(`${canonicalJson(JSON.parse(line))}\n`);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      format: "openexec.export.v1",
      executor_id: "openexec:h",
    });
    expect(JSON.parse(lines[2] ?? "")).toEqual({ index: 1, receipt: log.envelope(1) });
  });

  test("reads the same however its bytes are cut", async () => {
    for (const size of [1, 7, 1000, bytes.length]) {
      const reader = new ExportReader();
      const entries = [...cut(size)].flatMap((chunk) => reader.read(chunk));
      reader.end();
      expect(reader.fault).toBeNull();
      expect(entries).toEqual(log.entries);
      expect(reader.checkpoint).toBe(log.checkpoint());
      const report = await auditExport(cut(size), { trustedKeys: [log.signer.publicKey] });
      expect(report).toMatchObject({ ok: true, entries: log.entries.length, anchored: true });
    }
  });

  test("after a rotation names the current key, which alone may sign its checkpoint", async () => {
    const rotated = SampleLog.of(2);
    const old = rotated.signer;
    rotated.rotate(2);
    rotated.execute(9);
    expect(await problemOf(rotated.export(), { trustedKeys: [rotated.signer.publicKey] })).toBe(
      "none",
    );
    rotated.signer = old;
    expect(await problemOf(rotated.export())).toEqual(["export_malformed", null]);
  });
});

describe("exportLog()", () => {
  const source = {
    executorId: log.executorId,
    log: {
      node: (level: number, index: number) => log.tree.node(level, index),
      size: () => log.entries.length,
      leaf: (index: number) => log.entries[index],
    },
    receipts: () => log.entries,
  };

  test("writes the entries that its checkpoint covers", () => {
    expect([...exportLog(source, log.checkpoint())].join("")).toBe(text);
    expect([...exportLog(source, log.checkpoint(3))]).toEqual([
      ...lines.slice(0, 4),
      formatFinalCheckpoint(log.checkpoint(3)),
    ]);
  });

  test("refuses a checkpoint of another log or of no entry, and what is none", () => {
    const other = SampleLog.of(4, "openexec:other").checkpoint();
    const forged = new SampleLog("openexec:h", 9).checkpoint();
    for (const checkpoint of [other, forged, log.checkpoint(0), "x"]) {
      expect(() => exportLog(source, checkpoint)).toThrow(StartupError);
    }
  });
});

describe("auditExport() names", () => {
  test("the line that is not what an export writes, and the entry it holds", async () => {
    const spaced = lines.with(3, (lines[3] ?? "").replace(":", ": "));
    expect(await problemOf(spaced)).toEqual(["export_malformed", 2]);
    expect(await problemOf(lines.with(3, "\n"))).toEqual(["export_malformed", 2]);
    expect(await problemOf(lines.with(0, "{}\n"))).toEqual(["export_malformed", null]);
  });

  test("white space, or a member more, in a line of any kind", async () => {
    for (const at of [0, 2, lines.length - 1]) {
      const line = lines[at] ?? "";
      const spellings = [
        ` ${line}`,
        line.replace("{", "{ "),
        line.replace(":", ": "),
        line.replace("}\n", " }\n"),
      ];
      for (
        const other of [...spellings, line.replace("{", '{"a":1,'), line.replace("\n", "\r\n")]
      ) {
        expect((await problemOf(lines.with(at, other)))[0]).toBe("export_malformed");
      }
    }
  });

  test("an earlier entry that is bad, before a later line that is", async () => {
    const entry = log.entry(2);
    const bad = formatEntry({
      ...entry,
      signature: entry.signature.with(0, (entry.signature[0] ?? 0) ^ 1),
    });
    expect(await problemOf(lines.with(3, bad).with(5, "\n"))).toEqual(["signature_invalid", 2]);
  });

  test("an export without its end, or with something after it", async () => {
    expect((await problemOf(lines.slice(0, -1)))[0]).toBe("export_malformed");
    expect((await problemOf(text.trimEnd()))[0]).toBe("export_malformed");
    expect((await problemOf([...lines, lines.at(-1) ?? ""]))[0]).toBe("export_malformed");
    expect((await problemOf([...lines, "x"]))[0]).toBe("export_malformed");
    expect((await problemOf(""))[0]).toBe("export_malformed");
  });

  test("a header of another executor or key", async () => {
    const publicKey = signingKeyOf(new Uint8Array(32).fill(9)).publicKey;
    const other = formatHeader({ executorId: "openexec:h", publicKey });
    expect(await problemOf(lines.with(0, other))).toEqual(["export_malformed", null]);
    const elsewhere = formatHeader({
      executorId: "openexec:other",
      publicKey: log.signer.publicKey,
    });
    expect(await problemOf(lines.with(0, elsewhere))).toEqual(["export_malformed", null]);
  });

  test("a checkpoint of fewer entries, or of none", async () => {
    const older = formatFinalCheckpoint(log.checkpoint(3));
    expect(await problemOf(lines.with(-1, older))).toEqual(["checkpoint_mismatch", null]);
    expect(await problemOf(lines.with(-1, formatFinalCheckpoint("x")))).toEqual([
      "checkpoint_malformed",
      null,
    ]);
  });

  test("a line that does not end", async () => {
    const endless = new Uint8Array(300_000).fill(0x61);
    const report = await auditExport([bytes.slice(0, 50), endless, endless, endless, endless], {});
    expect(report.problem?.code).toBe("export_malformed");
  });

  test("an export of a log whose trusted key is another", async () => {
    const stranger = signingKeyOf(new Uint8Array(32).fill(9)).publicKey;
    expect(await problemOf(text, { trustedKeys: [stranger] })).toEqual(["untrusted", null]);
  });
});

test("parseEntry() refuses an entry of another payload type", () => {
  const line = (lines[2] ?? "").replace("receipt.v1+json", "receipt.v3+json");
  expect(parseEntry(lines[2] ?? "")).toBeDefined();
  expect(parseEntry(line)).toBeUndefined();
});

test("an export may mix versions of receipts, each under its own label and no other", async () => {
  const mixed = SampleLog.of(2);
  mixed.execute(7, { approval: byHardware("j-7") });
  mixed.execute(8, { proposedAtMs: START_MS });
  const written = mixed.export();
  expect(written.match(/receipt\.v\d/g)).toEqual([1, 1, 1, 2, 2].map((v) => `receipt.v${v}`));
  expect(await problemOf(written)).toBe("none");
  expect(await problemOf(written.replace("receipt.v2", "receipt.v1"))).toEqual([
    "body_malformed",
    3,
  ]);
  expect(await problemOf(written.replace("receipt.v1", "receipt.v2"))).toEqual([
    "body_malformed",
    0,
  ]);
});

test("writeExport() of no entry at all is an export, and a log without its first key", async () => {
  const header = { executorId: "openexec:h", publicKey: log.signer.publicKey };
  const empty = [...writeExport(header, [], log.checkpoint(0))];
  expect(empty.length).toBe(2);
  expect(await problemOf(empty)).toEqual(["log_empty", null]);
});
