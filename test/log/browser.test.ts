import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { base64Encode, utf8Encode } from "../../src/core/bytes.ts";
import { formatVkey } from "../../src/log/note.ts";
import { answerOf, PAYLOAD } from "./answer.ts";
import { SampleLog } from "./sample_log.ts";
import { attach, cosign, witnessOf } from "./witness.ts";

const log = SampleLog.of(3);
const witness = witnessOf("w.example/1", 11);
const checkpoint = attach(log.checkpoint(), cosign(log.checkpoint(), witness, 100));

/** What a page would use. Bundled, it has no import left, and leaves `run` behind: text to text. */
const PAGE = `
  import { base64Decode } from "../../src/core/bytes.ts";
  import { nativeCrypto } from "../../src/core/sha.ts";
  import { auditExport } from "../../src/audit/export.ts";
  import { verifyReceipt } from "../../src/log/verify_receipt.ts";
  globalThis.run = async (text) => {
    const { key, file, options, exported } = JSON.parse(text);
    const executorKeys = [base64Decode(key)];
    const bytes = new TextEncoder().encode(exported);
    const audit = await auditExport([bytes], { trustedKeys: executorKeys });
    const { ok, logIndex, checks } = verifyReceipt(file, { ...options, executorKeys });
    const native = nativeCrypto() !== null;
    return JSON.stringify({ native, ok, logIndex, checks, audited: audit.ok });
  };
`;

const question = (change: Record<string, unknown> = {}) =>
  JSON.stringify({
    key: base64Encode(log.signer.publicKey),
    file: JSON.stringify({ ...answerOf(log, 1), tlog_proof: log.proof(1) }),
    options: { payload: PAYLOAD, checkpoint, witnesses: [formatVkey(witness.key)] },
    exported: log.export(),
    ...change,
  });

let bundle = "";
beforeAll(async () => {
  const result = await build({
    stdin: {
      contents: PAGE,
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
      loader: "ts",
    },
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    target: "es2023",
  });
  bundle = result.outputFiles?.[0]?.text ?? "";
});

/** Runs the page with the language and two web interfaces: no process, Deno, require or crypto. */
async function askInBareRealm(text: string) {
  const realm: Record<string, unknown> = { TextEncoder, TextDecoder };
  const source = `${bundle}\nglobalThis.run(${JSON.stringify(text)})`;
  const answer: unknown = await runInNewContext(source, realm);
  return JSON.parse(String(answer));
}

describe("bundled for a browser", () => {
  test("a receipt and a log verify with portable cryptography alone", async () => {
    const report = await askInBareRealm(question());
    expect(report).toMatchObject({ native: false, ok: true, logIndex: 1, audited: true });
    expect(report.checks.map((check: { outcome: string }) => check.outcome)).not.toContain(
      "failed",
    );
  });

  test("what was changed is refused there as well", async () => {
    const [other] = [log.envelope(2)];
    const file = JSON.stringify({
      ...answerOf(log, 1),
      tlog_proof: log.proof(1),
      attestation: other,
    });
    const exported = log.export().replace('"index":3', '"index":4');
    expect(await askInBareRealm(question({ file, exported }))).toMatchObject({
      ok: false,
      audited: false,
    });
    const options = { payload: '{"amount":6}' };
    expect(await askInBareRealm(question({ options }))).toMatchObject({ ok: false });
    const key = base64Encode(witness.key.publicKey);
    expect(await askInBareRealm(question({ key }))).toMatchObject({ ok: false, audited: false });
  });
});

const hasNode = spawnSync("node", ["--version"]).status === 0;

test.skipIf(!hasNode)(
  "the same bundle verifies under Node, with its native cryptography (needs node)",
  () => {
    const source = `${bundle}\nglobalThis.run(${
      JSON.stringify(question())
    }).then((text) => console.log(text));`;
    const { stdout } = spawnSync("node", ["-"], { input: utf8Encode(source), encoding: "utf8" });
    expect(JSON.parse(stdout)).toMatchObject({
      native: true,
      ok: true,
      logIndex: 1,
      audited: true,
    });
  },
);
