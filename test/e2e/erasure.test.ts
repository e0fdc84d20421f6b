/** What was pruned is unreadable: the real daemon's state directory, looked through byte by byte at every stage of its life. */

import canonicalize from "canonicalize";
import { Buffer } from "node:buffer";
import { createDecipheriv, createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sealedName } from "../../src/ledger/store/keys.ts";
import { Store } from "../../src/ledger/store/store.ts";
import { actionToml, handler } from "../support/action_toml.ts";
import { actionDigest, Approver, request } from "../support/approver.ts";
import { Daemon, openexec } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { tracesIn, tracesInText } from "../support/traces.ts";
import { until } from "../support/until.ts";

const MARK = "mark-4000-0000-0000-0002";
const SECRET = "secret-hunter2-hunter2";
const alice = new Approver("alice");

const CONFIG = `executor_id = "openexec:test"
${alice.toml()}
[retention]
payload = "8s"
result = "8s"
[actions.brief]
module = "builtin:echo"
[actions.kept]
module = "builtin:echo"
retention = { payload = "1h", result = "1h" }
[actions.unkept]
module = "builtin:echo"
retention = { payload = "none", result = "none" }
${actionToml("tell", handler("tell.ts"), 'secrets = ["word"]')}`;

let directory: string;
let daemon: Daemon;
/** Whatever reveals what was asked for or came of it, or confirms a guess of it. */
const needles: Record<string, string | Uint8Array> = { payload: MARK, secret: SECRET };
/** By name: what was sent. */
const sent: Record<string, ReturnType<Approver["approve"]>> = {};

beforeAll(async () => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-erasure-" });
  Deno.mkdirSync(at("credentials"));
  Deno.writeTextFileSync(at("credentials/word"), SECRET);
  await start();
});
afterAll(async () => {
  await daemon.close();
  Deno.removeSync(directory, { recursive: true });
});

function at(name: string): string {
  return join(directory, name);
}

async function start(): Promise<void> {
  daemon = await Daemon.start({
    directory,
    config: CONFIG,
    env: { CREDENTIALS_DIRECTORY: at("credentials") },
  });
}

function execute(name: string) {
  return call(daemon.socket, "POST", "/execute", sent[name]);
}

/** Sends it, and remembers all that must not be found. */
async function run(
  name: string,
  action: string,
  payload: Record<string, unknown>,
): Promise<number> {
  const asked = alice.approve(request(action, payload, `nonce-${name}`));
  sent[name] = asked;
  const { status, json } = await execute(name);
  const { salts, result, receipt } = json.execution ?? json;
  const [{ sig }] = JSON.parse(JSON.stringify(asked.approval)).signatures;
  const digest = actionDigest(action, payload);
  Object.assign(needles, {
    [`${name}: salt of the request`]: Buffer.from(salts.request, "base64"),
    [`${name}: digest of the request`]: Buffer.from(digest.slice(7), "hex"),
    [`${name}: digest of the request in the approval`]: digest,
    [`${name}: signature of the approval`]: Buffer.from(sig, "base64"),
  });
  if (result === null) return status;
  Object.assign(needles, {
    [`${name}: salt of the result`]: Buffer.from(salts.result, "base64"),
    [`${name}: digest of the result`]: createHash("sha256").update(canonicalize(result) ?? "")
      .digest(),
    [`${name}: hash of id and result`]: Buffer.from(receipt, "hex"),
  });
  return status;
}

function vaultKeys(folder: string): string[] {
  return Array.from(Deno.readDirSync(join(folder, "vault")), ({ name }) => name).filter((name) =>
    name.endsWith(".key")
  ).sort();
}

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path).isFile;
  } catch {
    return false;
  }
}

/** Prunes until none of these keys is left, and no row that one of them opened. */
async function untilPruned(keys: readonly string[]): Promise<void> {
  await until(async () => {
    const { json } = await call(daemon.socket, "POST", "/admin/prune");
    return json.done && !keys.some((key) => exists(at(`state/vault/${key}`)));
  });
}

/** The sealed rows of `folder`, and in clear what the keys of `vaultOf` open of them: each key tried on each row, by hand. */
async function unsealed(
  folder: string,
  vaultOf: string,
): Promise<{ rows: number; opened: Buffer[] }> {
  const store = new Store({ directory: join(folder, "ledger"), readOnly: true });
  const keys = vaultKeys(vaultOf).map((name) => Deno.readFileSync(join(vaultOf, "vault", name)));
  const rows = [
    ...store.tables.sealed.range({ start: new Uint8Array(), end: new Uint8Array(64).fill(255) }),
  ];
  const opened = rows.flatMap(({ key: row, value }) =>
    keys.flatMap((key) => decrypted(key, sealedName(row), value))
  );
  await store.close();
  return { rows: rows.length, opened };
}

function decrypted(key: Uint8Array, row: Uint8Array, value: Uint8Array): Buffer[] {
  const decipher = createDecipheriv("aes-256-gcm", key, value.subarray(0, 12)).setAAD(row);
  decipher.setAuthTag(value.subarray(-16));
  try {
    return [Buffer.concat([decipher.update(value.subarray(12, -16)), decipher.final()])];
  } catch {
    return [];
  }
}

function copyFolder(from: string, to: string): Promise<Deno.CommandOutput> {
  return new Deno.Command("cp", { args: ["-a", from, to] }).output();
}

test("the search finds what is there, however it was written down", () => {
  const text = `<${MARK}>`;
  for (
    const found of [
      text,
      Buffer.from(`x${text}`).toString("base64"),
      Buffer.from(text).toString("hex"),
    ]
  ) {
    expect(tracesInText(found, needles)).toEqual(["payload"]);
  }
  expect(tracesInText("mark-4000", needles)).toEqual([]);
});

test("while it runs, nothing of payloads, results, secrets, errors and approvals is in its files or its log", async () => {
  expect([
    await run("brief", "brief", { card: MARK, amount: 12 }),
    await run("kept", "kept", { card: MARK, amount: 13 }),
    await run("unkept", "unkept", { card: MARK, amount: 14 }),
    await run("told", "tell", { how: "return", told: MARK }),
    await run("thrown", "tell", { how: "throw", told: MARK }),
    await run("said", "tell", { how: "say", told: MARK }),
    await run("rejected", "tell", { how: "reject", told: MARK }),
    await run("resultless", "tell", { how: "no result", told: MARK }),
  ]).toEqual([200, 200, 200, 200, 500, 500, 500, 500]);
  const refused = {
    ...alice.approve(request("brief", { card: MARK })),
    payload: { card: `other ${MARK}` },
  };
  expect((await call(daemon.socket, "POST", "/execute", refused)).status).toBe(403);
  const entries = async () =>
    Number((await call(daemon.socket, "GET", "/log/checkpoint")).text.split("\n")[1]);
  await until(async () => await entries() === 10); // the first key, eight executions, one refusal

  expect(tracesIn(at("state"), { nonce: "nonce-brief" })).not.toEqual([]);
  expect(tracesIn(at("state"), needles)).toEqual([]);
  expect(tracesInText(daemon.output.join("\n"), needles)).toEqual([]);
});

test("what is never to be stored is not: a replay at once says that it is gone", async () => {
  expect((await execute("unkept")).json).toMatchObject({
    status: "succeeded",
    replayed: true,
    result: null,
    result_pruned: true,
    salts: {},
  });
});

test("after its end nothing is found either, and the keys beside it are what opens it", async () => {
  expect((await daemon.stop()).code).toBe(0);
  expect(tracesIn(at("state"), needles)).toEqual([]);
  await copyFolder(at("state"), at("older"));
  // seven executions whose payload, and result or public reason, are stored
  const { rows, opened } = await unsealed(at("older"), at("older"));
  expect([rows, opened.length]).toEqual([11, 11]);
  expect(opened.filter((body) => body.includes(MARK)).length).toBe(11);
  expect(opened.some((body) => body.includes(SECRET))).toBe(false);
});

test("pruned means unreadable: neither what is left nor a copy from before opens without the keys of then", async () => {
  const keys = vaultKeys(at("older"));
  await start();
  const { executions } = (await call(daemon.socket, "GET", "/executions")).json;
  expect(executions.length).toBe(8);
  const shortLived = keys.filter((name) => parseInt(name) < Date.now() + 60_000);
  expect([shortLived.length > 0, keys.length > shortLived.length]).toEqual([true, true]);
  await untilPruned(shortLived);

  expect(tracesIn(at("state"), needles)).toEqual([]);
  expect(tracesIn(at("older"), needles)).toEqual([]);
  expect(tracesInText(daemon.output.join("\n"), needles)).toEqual([]);
  // of the copy's eleven rows the vault of now opens the two whose retention goes on
  const { rows, opened } = await unsealed(at("older"), at("state"));
  expect([rows, opened.length]).toEqual([11, 2]);
  expect((await unsealed(at("state"), at("older"))).rows).toBe(2);
});

test("after pruning a replay is answered without its result, and each action has its own retention", async () => {
  for (const name of ["brief", "told"]) {
    const { status, json } = await execute(name);
    expect([
      status,
      json.status,
      json.replayed,
      json.result,
      json.result_pruned,
      json.receipt,
      json.salts,
    ])
      .toEqual([200, "succeeded", true, null, true, null, {}]);
  }
  const { status, json } = await execute("thrown");
  expect([status, json.code, json.execution.replayed, json.execution.salts])
    .toEqual([500, "handler_failed", true, {}]);
  expect((await execute("kept")).json).toMatchObject({
    replayed: true,
    result: { card: MARK, amount: 13 },
    salts: { request: expect.any(String), result: expect.any(String) },
  });
  const guess = { ...sent["brief"], nonce: "nonce-again" };
  expect((await call(daemon.socket, "POST", "/execute", guess)).json.code).toBe(
    "approval_nonce_mismatch",
  );
  expect((await openexec(daemon, ["audit"])).code).toBe(0);
});

test("pruning that died between key and rows is finished by the next start", async () => {
  await run("later", "brief", { card: MARK, amount: 15 });
  const keys = vaultKeys(at("state")).filter((name) => parseInt(name) < Date.now() + 60_000);
  await daemon.stop("SIGKILL");
  for (const key of keys) Deno.removeSync(at(`state/vault/${key}`));
  expect((await unsealed(at("state"), at("state"))).rows).toBe(4);
  await until(() => keys.every((name) => parseInt(name) < Date.now()));
  await start();
  expect((await execute("later")).json).toMatchObject({
    replayed: true,
    result: null,
    result_pruned: true,
  });
  await until(async () => (await unsealed(at("state"), at("state"))).rows === 2);
  expect(tracesIn(at("state"), needles)).toEqual([]);
});
