/** Everything the real daemon does leaves a receipt, and whoever has the key can check each of them without it. */

import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { leafKey } from "../../src/ledger/store/keys.ts";
import { Store } from "../../src/ledger/store/store.ts";
import type { Tables } from "../../src/ledger/store/table.ts";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver, request } from "../support/approver.ts";
import { openexecHere } from "../cli/recording_terminal.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { childrenOf } from "../support/processes.ts";
import { until } from "../support/until.ts";

const alice = new Approver("alice");
let directory: string;
let daemon: Daemon;
/** Public keys of the executor, before and after its rotation. */
let oldKey: string;
let newKey: string;

/** The kinds of receipts there are, and what each can say. */
const EVERY_RECEIPT = [
  "admin backup",
  "admin halt",
  "admin prune",
  "admin reload",
  "admin resume",
  "admin revoke",
  "execution crashed handler_crashed",
  "execution failed handler_failed",
  "execution failed result_invalid",
  "execution outcome_unknown outcome_unknown",
  "execution succeeded",
  "execution timed_out handler_timed_out",
  "key",
  "refusal approval_missing",
  "refusal_summary",
  "resolution failed",
];

beforeAll(async () => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-receipts-" });
  Deno.mkdirSync(at("marks"));
  const grants = `allow = { read = ["${at("marks")}"], write = ["${at("marks")}"] }`;
  daemon = await Daemon.start({
    directory,
    config: `executor_id = "openexec:test"
${alice.toml()}
[limits]
refusal_receipts_per_minute = 2
[actions.echo]
module = "builtin:echo"
${actionToml("tell", handler("tell.ts"))}
${actionToml("leave", handler("leave.ts"))}
${actionToml("hold", handler("hold.ts"), grants)}
${actionToml("brief", handler("hold.ts"), `${grants}\ntimeout = "300ms"`)}`,
  });
  oldKey = publicKey();
});
afterAll(async () => {
  await daemon.close();
  Deno.removeSync(directory, { recursive: true });
});

function at(name: string): string {
  return join(directory, name);
}

function publicKey(): string {
  return Deno.readTextFileSync(at("state/executor.pub")).trim();
}

function execute(action: string, payload: Record<string, unknown>, nonce: string) {
  return call(daemon.socket, "POST", "/execute", alice.approve(request(action, payload, nonce)));
}

async function operate(...args: readonly string[]): Promise<void> {
  expect((await openexecHere(daemon, args)).code, args.join(" ")).toBe(0);
}

async function checkpoint(file: string): Promise<void> {
  Deno.writeTextFileSync(at(file), (await call(daemon.socket, "GET", "/log/checkpoint")).text);
}

/** Its exit code and what it says, of the problem it found. */
async function audit(...args: readonly string[]) {
  const { code, stdout } = await openexecHere(daemon, ["audit", "--json", ...args]);
  const { entries, keys, anchored, problem } = JSON.parse(stdout);
  return { code, entries, keys, anchored, problem };
}

async function verify(file: string, ...args: readonly string[]) {
  const { code, stdout } = await openexecHere(daemon, [
    "verify",
    at(file),
    "--offline",
    "--json",
    ...args,
  ]);
  const { checks, receipt } = JSON.parse(stdout);
  const failed = checks.flatMap(({ name, outcome }: Record<string, string>) =>
    outcome === "failed" ? [name] : []
  );
  return { code, failed, receipt };
}

function copy(name: string): string {
  const made = Deno.makeTempDirSync({ dir: directory, prefix: `${name.replaceAll("/", "-")}-` });
  new Deno.Command("cp", { args: ["-a", `${at(name)}/.`, made] }).outputSync();
  return made;
}

/** Works on the tables of a copy, as a forger would. */
async function tamper(work: (tables: Tables) => void): Promise<string> {
  const forged = copy("state");
  const store = new Store({ directory: join(forged, "ledger") });
  await store.commit(() => work(store.tables));
  await store.close();
  return forged;
}

async function killItsExecutors(label: string): Promise<void> {
  const started = () =>
    [...Deno.readDirSync(at("marks"))].some(({ name }) => name.startsWith(label));
  await until(started);
  for (const pid of childrenOf(daemon.pid)) Deno.kill(pid, "SIGKILL");
}

test("each outcome, refusal, act of an operator and change of the key leaves its receipt", async () => {
  const folder = at("marks");
  const success = await execute("echo", { a: 1 }, "n-success");
  Deno.writeTextFileSync(at("answer.json"), success.text);
  await checkpoint("first.checkpoint");
  await execute("tell", { how: "throw", told: "" }, "n-failed");
  await execute("tell", { how: "no result", told: "" }, "n-invalid");
  const timedOut = await execute("brief", { folder, label: "brief", how: "hold" }, "n-brief");
  Deno.writeTextFileSync(at("problem.json"), timedOut.text);
  await execute("leave", {}, "n-crashed");
  const killed = execute("hold", { folder, label: "killed", how: "hold" }, "n-killed");
  await killItsExecutors("killed");
  const { id } = (await killed).json.execution;
  await operate("backup", at("state/copy"));
  for (let i = 0; i < 5; i++) await call(daemon.socket, "POST", "/execute", request("echo", {}));
  await operate("halt");
  await operate("resume");
  await operate("revoke", "alice", "some-approval");
  await operate("prune");
  await operate("resolve", id, "--as", "failed", "--note", "not seen downstream");
  daemon.process.kill("SIGHUP");
  await until(() => daemon.output.some((line) => line.includes("trust store reloaded")));
  await checkpoint("middle.checkpoint");
  expect((await daemon.stop()).code).toBe(0);

  const next = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
  Deno.writeTextFileSync(at("state/keys/executor.next.key"), String(next), { mode: 0o600 });
  daemon = await Daemon.start({ directory });
  newKey = publicKey();
  expect(newKey).not.toBe(oldKey);
  await execute("echo", {}, "n-rotated");
  await checkpoint("last.checkpoint");
  const size = Number(Deno.readTextFileSync(at("last.checkpoint")).split("\n")[1]);
  Deno.mkdirSync(at("receipts"));
  for (let i = 0; i < size; i++) {
    Deno.writeTextFileSync(
      at(`receipts/${i}.json`),
      (await call(daemon.socket, "GET", `/receipts/${i}`)).text,
    );
  }
});

test("each of them verifies offline, with the key of its time and no other", async () => {
  const indexes = Array.from(Deno.readDirSync(at("receipts")), ({ name }) => parseInt(name));
  const verified = await Promise.all(indexes.map(async (i) => {
    const { code, failed, receipt } = await verify(
      `receipts/${i}.json`,
      "--executor-key",
      oldKey,
      "--executor-key",
      newKey,
    );
    expect([i, code, failed]).toEqual([i, 0, []]);
    return [receipt.kind, receipt.status ?? receipt.act ?? receipt.as, receipt.code].filter(Boolean)
      .join(
        " ",
      );
  }));
  expect([...new Set(verified)].sort()).toEqual(EVERY_RECEIPT);

  const [first, last] = ["receipts/1.json", `receipts/${indexes.length - 1}.json`];
  expect(await verify(first, "--executor-key", newKey)).toMatchObject({
    code: 1,
    failed: ["signature"],
  });
  expect(await verify(last, "--executor-key", oldKey)).toMatchObject({
    code: 1,
    failed: ["signature", "inclusion"],
  });
});

test("an answer verifies with its payload and result opened, and against a checkpoint kept since", async () => {
  const trusted = ["--executor-key", oldKey];
  expect(await verify("answer.json", ...trusted, "--payload", '{"a": 1.0}', "--result", '{"a":1}'))
    .toMatchObject({ code: 0 });
  expect(await verify("problem.json", ...trusted)).toMatchObject({
    code: 0,
    receipt: { status: "timed_out" },
  });
  expect((await verify("answer.json", ...trusted, "--payload", '{"a":2}')).failed).toEqual([
    "request",
  ]);
  expect((await verify("answer.json", ...trusted, "--result", '{"a":2}')).failed).toEqual([
    "result",
  ]);
  expect((await verify("answer.json", ...trusted, "--executor-id", "openexec:other")).failed)
    .toEqual([
      "executor",
    ]);

  const proven = ["receipts/1.json", ...trusted, "--executor-key", newKey, "--checkpoint"] as const;
  expect(await verify(...proven, at("last.checkpoint"))).toMatchObject({ code: 0 });
  // offline nobody hands over what connects two sizes of the log, so that they are one history is not shown
  expect((await verify(...proven, at("first.checkpoint"))).failed).toEqual(["consistency"]);
  const asked = await openexecHere(daemon, [
    "verify",
    at(proven[0]),
    ...proven.slice(1),
    at("first.checkpoint"),
  ]);
  expect([asked.code, asked.stdout.match(/^ok +consistency/m)?.length]).toEqual([0, 1]);
  expect((await daemon.stop()).code).toBe(0);
});

test("an audit passes on the state directory, on a copy, on a backup and on an export, and tells every key", async () => {
  const whole = await audit(
    "--executor-key",
    oldKey,
    "--checkpoint",
    at("first.checkpoint"),
    "--checkpoint",
    at("last.checkpoint"),
  );
  expect(whole).toMatchObject({ code: 0, anchored: true, problem: null });
  expect(whole.keys).toMatchObject([{ public_key: oldKey, since: 0 }, { public_key: newKey }]);
  const exported = await openexecHere(daemon, ["export"]);
  Deno.writeTextFileSync(at("export.jsonl"), exported.stdout);
  for (
    const copied of [["--state", copy("state")], ["--state", at("state/copy")], [
      at("export.jsonl"),
    ]]
  ) {
    expect(await audit(...copied), copied.join(" ")).toMatchObject({ code: 0, problem: null });
  }
  // the new key says nothing of what was before it, unless a checkpoint that it signed covers that
  expect(await audit("--executor-key", newKey)).toMatchObject({
    code: 1,
    problem: { code: "untrusted" },
  });
  expect(await audit("--executor-key", newKey, "--checkpoint", at("last.checkpoint")))
    .toMatchObject({
      code: 0,
      anchored: true,
    });
  expect(await audit("--executor-key", alice.publicKey)).toMatchObject({
    code: 1,
    problem: { code: "untrusted" },
  });
});

/** Log index of the receipt of that nonce. */
function indexOf(nonce: string): number {
  return [...Deno.readDirSync(at("receipts"))].map(({ name }) => parseInt(name)).find((i) => {
    const { attestation: { payload } } = JSON.parse(
      Deno.readTextFileSync(at(`receipts/${i}.json`)),
    );
    return JSON.parse(Buffer.from(payload, "base64").toString()).nonce === nonce;
  }) ?? -1;
}

test("an audit names the first bad entry of a state directory that somebody changed", async () => {
  const index = indexOf("n-crashed");
  const row = (tables: Tables, at: number) => tables.log.get(leafKey(at)) ?? new Uint8Array();
  const forgeries: Record<string, (tables: Tables) => void> = {
    "a flipped bit": (tables) => {
      const leaf = row(tables, index).slice();
      leaf[200] = (leaf[200] ?? 0) ^ 1;
      tables.log.put(leafKey(index), leaf);
    },
    "an entry deleted": (tables) => tables.log.remove(leafKey(index)),
    "an entry doubled": (tables) => tables.log.put(leafKey(index), row(tables, index - 1)),
    "two entries swapped": (tables) => {
      const [one, other] = [row(tables, index), row(tables, index + 1)];
      tables.log.put(leafKey(index), other);
      tables.log.put(leafKey(index + 1), one);
    },
  };
  for (const [name, forge] of Object.entries(forgeries)) {
    const { code, entries, problem } = await audit("--state", await tamper(forge));
    expect([name, code, entries, problem.index]).toEqual([name, 1, index, index]);
  }
});

test("a byte flipped in the data file is found, and so is a tail cut off where a later checkpoint is given", async () => {
  const flipped = copy("state");
  const file = join(flipped, "ledger/data.mdb");
  const bytes = Buffer.from(Deno.readFileSync(file));
  const text = '"nonce":"n-invalid"';
  let found = 0;
  for (let i = bytes.indexOf(text); i >= 0; i = bytes.indexOf(text, i + 1), found++) {
    bytes.write("N", i + 9);
  }
  Deno.writeFileSync(file, bytes);
  expect(found).toBeGreaterThan(0);
  expect(await audit("--state", flipped)).toMatchObject({
    code: 1,
    problem: { index: indexOf("n-invalid") },
  });

  // the backup was made in the middle: it is what a log cut off there looks like
  const cut = ["--state", at("state/copy")];
  expect(await audit(...cut, "--checkpoint", at("first.checkpoint"))).toMatchObject({
    code: 0,
    problem: null,
  });
  expect(await audit(...cut, "--checkpoint", at("middle.checkpoint")))
    .toMatchObject({ code: 1, problem: { code: "checkpoint_mismatch" } });
});

test("an export that lost its end, or a line, does not pass", async () => {
  const lines = Deno.readTextFileSync(at("export.jsonl")).split("\n").slice(0, -1);
  const without = (from: number, to: number) => [...lines.slice(0, from), ...lines.slice(to)];
  for (
    const left of [lines.slice(0, -1), without(5, 6), without(lines.length - 2, lines.length - 1)]
  ) {
    Deno.writeTextFileSync(at("cut.jsonl"), `${left.join("\n")}\n`);
    expect((await audit(at("cut.jsonl"))).code).toBe(1);
  }
});

test("a restore, made while no daemon could sign, is in the log of the one that starts next, once", async () => {
  await operate("backup", "--state", at("state"), at("backup"));
  await operate("restore", at("backup"));
  const newest = async () => {
    daemon = await Daemon.start({ directory });
    const size = Number((await call(daemon.socket, "GET", "/log/checkpoint")).text.split("\n")[1]);
    const { json } = await call(daemon.socket, "GET", `/receipts/${size - 1}`);
    await daemon.stop();
    return [size, JSON.parse(Buffer.from(json.attestation.payload, "base64").toString())];
  };
  const [size, receipt] = await newest();
  expect(receipt).toMatchObject({
    kind: "admin",
    act: "restore",
    detail: { fence: expect.any(String) },
  });
  expect(receipt.peer).toBeUndefined();
  expect(Date.parse(receipt.detail.fence)).toBeGreaterThanOrEqual(Date.parse(receipt.at));
  expect(await newest()).toEqual([size, receipt]);
  expect(await audit()).toMatchObject({ code: 0, entries: size });
});
