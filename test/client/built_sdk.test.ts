import { PLAIN_KEY } from "../../src/core/types.ts";
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildClient } from "../../scripts/build_client.ts";
import metadata from "../../package.json" with { type: "json" };
import { base64Encode } from "../../src/core/bytes.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { executionReceipt } from "../../src/log/receipt.ts";
import { receiptEnvelope, signReceipt } from "../../src/log/signed_receipt.ts";
import { testWith } from "../support/tools.ts";
import { FakeDaemon } from "./fake_daemon.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** A folder like that of `npm install --omit=optional`: the package, and what the SDK needs. */
let installed: string;

beforeAll(async () => {
  installed = await Deno.makeTempDir({ prefix: "openexec-sdk-" });
  // with the types of Node, which a program of its own has
  for (const name of [...Object.keys(metadata.dependencies), "@types/node"]) {
    await Deno.mkdir(dirname(`${installed}/node_modules/${name}`), { recursive: true });
    await Deno.symlink(`${ROOT}node_modules/${name}`, `${installed}/node_modules/${name}`);
  }
  await Deno.mkdir(`${installed}/openexec`);
  await Deno.copyFile(`${ROOT}package.json`, `${installed}/openexec/package.json`);
  await buildClient(`${installed}/openexec/dist/client`);
});
afterAll(() => Deno.remove(installed, { recursive: true }));

function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { cwd, encoding: "utf8" }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} failed:\n${stdout}${stderr}`));
    });
  });
}

function genuineReceipt(): { receipt: string; executorKey: string } {
  const signer = signingKeyOf(new Uint8Array(32).fill(7));
  const digest = `sha256:${"00".repeat(32)}` as const;
  const body = executionReceipt("openexec:host", {
    id: "0190b1c0-0000-7000-8000-000000000000",
    action: "echo",
    nonce: "n-1",
    mode: "enforced",
    peer: { uid: 1000, gid: 1000, pid: 7, socket: "agent.sock" },
    approval: {
      scheme: "dsse",
      iss: "alice",
      jti: "j-1",
      signers: [{ name: "alice", keyid: "alice-1", ...PLAIN_KEY }],
    },
    handlerDigest: digest,
    requestCommitment: digest,
    resultCommitment: null,
    status: "failed",
    code: "handler_failed",
    traceId: null,
    proposedAtMs: null,
    receivedAtMs: 0,
    reservedAtMs: 0,
    startedAtMs: 0,
    settledAtMs: 0,
  }, false);
  const envelope = receiptEnvelope(signReceipt(body, signer));
  const answer = {
    id: body.execution_id,
    action: "echo",
    status: "failed",
    code: "handler_failed",
    result: null,
    attestation: envelope,
    log_index: 3,
  };
  return { receipt: JSON.stringify(answer), executorKey: base64Encode(signer.publicKey) };
}

testWith("node")("Node runs the built SDK over a Unix socket", async () => {
  await using daemon = await FakeDaemon.start();
  const { receipt, executorKey } = genuineReceipt();
  await Deno.copyFile(`${ROOT}test/client/node_caller.mjs`, `${installed}/openexec/caller.mjs`);
  const argument = JSON.stringify({ socketPath: daemon.socketPath, receipt, executorKey });
  const saw = JSON.parse(await run("node", ["caller.mjs", argument], `${installed}/openexec`));
  expect(saw).toMatchObject({
    deno: false,
    aud: "openexec:fake",
    execution: { action: "echo", status: "succeeded", result: { msg: "hello" }, replayed: false },
    replayed: true,
    found: true,
    aborted: "enough",
    refused: "execution_not_found",
    unreachable: "none",
    genuine: true,
    forged: false,
    defines: true,
    keyRefused: true,
  });
  expect(Number(saw.node.split(".")[0])).toBeGreaterThanOrEqual(20);
  expect(new Set(daemon.received.map(({ connection }) => connection)).size).toBe(1);
});

test("TypeScript accepts a program by the built declarations and refuses a wrong one", async () => {
  const compile = async (source: string) => {
    await Deno.writeTextFile(`${installed}/openexec/program.ts`, source);
    const compiler = `${ROOT}node_modules/typescript/bin/tsc`;
    const strict = [
      "--strict",
      "--noEmit",
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--types",
      "node",
    ];
    const flags = [
      "run",
      "-A",
      "--no-config",
      "--node-modules-dir=manual",
      compiler,
      ...strict,
      "program.ts",
    ];
    return await run(Deno.execPath(), flags, `${installed}/openexec`).then(
      () => "compiles",
      (error) => String(error),
    );
  };
  const program = (payload: string) => `
    import * as v from "valibot";
    import { defineAction } from "openexec";
    import { type Execution, OpenExecClient } from "openexec/client";
    const chargeCard = defineAction({
      input: v.object({ amount: v.number() }),
      output: v.object({ charge: v.string() }),
      run: ({ amount }) => ({ charge: String(amount) }),
    });
    const client = new OpenExecClient({ socketPath: "/x" });
    const charge = client.action<typeof chargeCard>("charge_card");
    const done: Execution<{ charge: string }> = await charge.execute(charge.request(${payload}));
    const text: string | undefined = done.result?.charge;
    export { text };
  `;
  expect(await compile(program("{ amount: 5 }"))).toBe("compiles");
  expect(await compile(program('{ amount: "5" }'))).toContain("TS2322");
});

test("a page bundles verification and signing without anything of Node's", async () => {
  const page = `
    import { approveRequest, newApproverKey } from "../../src/client/mod.ts";
    import { newRequest, verifyReceipt } from "../../src/client/mod.ts";
    globalThis.page = { approveRequest, newApproverKey, newRequest, verifyReceipt };
  `;
  const { outputFiles } = await build({
    stdin: { contents: page, resolveDir: `${ROOT}test/client`, loader: "ts" },
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    // the transport names it, and is not taken along
    external: ["node:http"],
  });
  const bundled = outputFiles[0]?.text ?? "";
  expect(bundled).toContain("verifyReceipt");
  expect(bundled).not.toMatch(/\brequire\(|from "node:/);
});

test("nothing that was built names Deno but in prose", async () => {
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) await walk(path);
      else if (
        path.endsWith(".js") && /\bDeno\./.test(withoutComments(await Deno.readTextFile(path)))
      ) {
        found.push(path);
      }
    }
  };
  await walk(`${installed}/openexec/dist/client`);
  expect(found).toEqual([]);
});

function withoutComments(source: string): string {
  return source.replace(/\/\*[^]*?\*\//g, "").replace(/\/\/.*$/gm, "");
}
