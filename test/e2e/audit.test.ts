/** `openexec audit` of what a real daemon leaves: nothing that rightly happens is a problem, and a claim undone is one. */

import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nonceKey } from "../../src/ledger/store/keys.ts";
import { Store } from "../../src/ledger/store/store.ts";
import { openexecHere } from "../cli/recording_terminal.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { Held } from "./held.ts";

const governance = generateKeyPairSync("ed25519");
const PEM = governance.publicKey.export({ format: "pem", type: "spki" }).toString();
const CLAWSHIELD = `[clawshield]
public_key = """${PEM}"""
tenant = "tenant-001"
actions = ["*"]
max_ttl = "1h"`;

/** As OpenExec's governance layer signs. */
function artifact(action: string, payload: Readonly<Record<string, string>>): unknown {
  const text = JSON.stringify({ action, payload });
  const time = (ms: number) => new Date(ms).toISOString().replace("Z", "");
  const fields = {
    approval_id: randomUUID(),
    tenant_id: "tenant-001",
    action_hash: createHash("sha256").update(text).digest("hex"),
    issued_at: time(Date.now()),
    expires_at: time(Date.now() + 300_000),
  };
  const message = Buffer.from(Object.values(fields).join(""));
  return { ...fields, signature: sign(null, message, governance.privateKey).toString("base64") };
}

async function audit(daemon: Daemon, ...flags: string[]) {
  const { code, stdout } = await openexecHere(daemon, ["audit", "--json", ...flags]);
  const { ok, problem, entries, root } = JSON.parse(stdout);
  return { code, ok, problem, entries, root };
}

test("grants, artifacts, revocations, refusals and what is under way are in order, before and after a restore", async () => {
  await using held = await Held.start({ top: 'tenant = "tenant-001"', tables: CLAWSHIELD });
  const { daemon } = held;
  const tenant = { tenant: "tenant-001" };
  const grant = { ...tenant, jti: "grant", uses: 3, nonce: undefined };
  const approved = held.approve("once", "granted", "end", grant);
  for (const nonce of ["n-1", "n-2"]) {
    expect((await held.send({ ...approved, nonce })).json.status).toBe("succeeded");
  }
  const payload = { folder: held.marks, how: "end", label: "legacy" };
  const legacy = {
    action: "once",
    payload,
    nonce: "n-legacy",
    approval_artifact: artifact("once", payload),
  };
  const ran = await call(daemon.socket, "POST", "/execute", legacy);
  expect(ran.json).toMatchObject({ status: "succeeded" });
  const withdrawn = held.approve("once", "withdrawn", "end", { ...tenant, jti: "withdrawn" });
  for (const jti of ["grant", "withdrawn", "withdrawn"]) {
    expect((await openexecHere(daemon, ["revoke", "alice", jti])).code).toBe(0);
  }
  expect((await held.send(withdrawn)).json.code).toBe("approval_revoked");
  const running = held.send(held.approve("once", "running", "hold", tenant));
  await held.started("running");
  expect(await audit(daemon)).toMatchObject({ code: 0, ok: true });
  const backup = join(daemon.directory, "backup");
  expect((await openexecHere(daemon, ["backup", backup])).code).toBe(0);
  held.letGo("running");
  expect((await running).json.status).toBe("succeeded");
  await held.daemon.stop();
  expect((await openexecHere(daemon, ["restore", backup])).code).toBe(0);
  expect(await audit(daemon)).toMatchObject({ code: 0, ok: true });
  await held.startAgain();
  expect(await audit(held.daemon)).toMatchObject({ code: 0, ok: true });
});

test("demo mode, which has no approvals, is in order, and its receipts say that nobody approved", async () => {
  const daemon = await Daemon.start({
    env: { OPENEXEC_MODE: "demo", OPENEXEC_ALLOWED_ACTIONS: "echo" },
  });
  for (const nonce of ["n-1", "n-2", "n-2"]) {
    const { status } = await call(daemon.socket, "POST", "/execute", {
      action: "echo",
      payload: {},
      nonce,
    });
    expect(status).toBe(200);
  }
  expect((await openexecHere(daemon, ["audit"])).code).toBe(0);
  const made = await openexecHere(daemon, ["request", "echo"]);
  const { stdout: answer } = await openexecHere(daemon, ["exec", "--json"], made.stdout);
  expect(JSON.parse(answer)).toMatchObject({
    status: "succeeded",
    approved: true,
    exec_mode: "demo",
  });
  const told = await openexecHere(daemon, ["verify", "-"], answer);
  expect([told.code, told.stdout]).toEqual([
    0,
    expect.stringMatching(/^ok +body +an execution in demo mode: nobody approved it\n/),
  ]);
  const silent = JSON.stringify({ ...JSON.parse(answer), exec_mode: undefined });
  expect((await openexecHere(daemon, ["verify", "-"], silent)).stdout).toMatch(/^FAILED +answer /m);
  await daemon.close();
});

test("a nonce that was freed is found, with the execution it was taken by, and no root is told", async () => {
  await using held = await Held.start();
  for (const label of ["one", "two"]) await held.send(held.approve("once", label, "end"));
  await held.daemon.stop();
  const sound = await audit(held.daemon);
  expect(sound).toMatchObject({ ok: true, root: expect.stringMatching(/^[0-9a-f]{64}$/) });
  const store = new Store({ directory: join(held.daemon.directory, "state/ledger") });
  await store.commit(() => store.tables.claims.remove(nonceKey("n-one")));
  await store.close();
  const problem = { code: "nonce_mismatch", index: 1, detail: expect.any(String) };
  expect(await audit(held.daemon)).toEqual({ code: 1, ok: false, problem, entries: 1, root: null });
  const { stdout } = await openexecHere(held.daemon, ["audit"]);
  expect(stdout).toContain("1 entries of openexec:test are good\n");
  expect(stdout).toContain("NOT GOOD: nonce_mismatch at entry 1: ");
});
