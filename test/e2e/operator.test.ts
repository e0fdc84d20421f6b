/** An operator's levers, pulled from the command line: what each does to the real daemon, and the receipt it leaves. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver, request } from "../support/approver.ts";
import { openexecHere } from "../cli/recording_terminal.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";

const alice = new Approver("alice");
let daemon: Daemon;

beforeAll(async () => {
  daemon = await Daemon.start({
    config: `executor_id = "openexec:test"
${alice.toml()}
[actions.echo]
module = "builtin:echo"
${actionToml("wait", handler("wait_for_file.ts"), 'timeout = "200ms"')}`,
  });
});
afterAll(() => daemon.close());

function execute(approved: unknown) {
  return call(daemon.socket, "POST", "/execute", approved);
}

/** The body of the newest receipt but those of refusals, which are written a little later than they are answered. */
async function newestReceipt(): Promise<unknown> {
  const size = Number((await call(daemon.socket, "GET", "/log/checkpoint")).text.split("\n")[1]);
  for (let index = size - 1; index >= 0; index--) {
    const { json } = await call(daemon.socket, "GET", `/receipts/${index}`);
    const body = JSON.parse(Buffer.from(json.attestation.payload, "base64").toString());
    if (body.kind !== "refusal") return body;
  }
  return undefined;
}

/** An act of whoever runs this, as its receipt says. */
function act(name: string, detail?: Readonly<Record<string, unknown>>) {
  const peer = { uid: Deno.uid(), gid: Deno.gid(), pid: expect.any(Number), socket: "agent.sock" };
  return expect.objectContaining({
    kind: "admin",
    act: name,
    peer,
    ...(detail === undefined ? {} : { detail }),
  });
}

test("halt stops what is new and lets replays be answered, resume lifts it, and both are in the log", async () => {
  const before = alice.approve(request("echo", {}));
  expect((await execute(before)).status).toBe(200);
  expect((await openexecHere(daemon, ["halt"])).code).toBe(0);
  expect(await newestReceipt()).toEqual(act("halt"));
  const halted = alice.approve(request("echo", {}));
  expect((await execute(halted)).json).toMatchObject({ code: "halted", effect: "none" });
  expect((await execute(before)).json).toMatchObject({ status: "succeeded", replayed: true });
  expect((await openexecHere(daemon, ["resume"])).code).toBe(0);
  expect(await newestReceipt()).toEqual(act("resume"));
  expect((await execute(halted)).status).toBe(200);
});

test("revoke takes an approval back before it is used", async () => {
  const approved = alice.approve(request("echo", {}), { jti: "withdrawn" });
  expect((await openexecHere(daemon, ["revoke", "alice", "withdrawn"])).code).toBe(0);
  expect(await newestReceipt()).toEqual(act("revoke", { iss: "alice", jti: "withdrawn" }));
  expect((await execute(approved)).json).toMatchObject({
    code: "approval_revoked",
    effect: "none",
  });
});

test("resolve declares what became of an execution that is unknown, once", async () => {
  const approved = alice.approve(request("wait", { file: "/nonexistent" }));
  const { json } = await execute(approved);
  expect(json).toMatchObject({ code: "handler_timed_out", effect: "unknown" });
  const resolve = ["resolve", json.execution.id, "--as", "succeeded", "--note", "seen downstream"];
  expect((await openexecHere(daemon, resolve)).code).toBe(0);
  expect(await newestReceipt()).toMatchObject({
    kind: "resolution",
    execution_id: json.execution.id,
    from: "timed_out",
    as: "succeeded",
    note: "seen downstream",
    peer: { uid: Deno.uid() },
  });
  expect((await execute(approved)).json).toMatchObject({
    status: "succeeded",
    resolved: true,
    result: null,
  });
  expect((await openexecHere(daemon, resolve)).stderr).toContain("not_resolvable");
});

test("prune and backup are acts as well", async () => {
  expect((await openexecHere(daemon, ["prune"])).code).toBe(0);
  expect(await newestReceipt()).toEqual(act("prune", { bodies: 0, buckets: 0 }));
  expect((await openexecHere(daemon, ["backup", `${daemon.directory}/state/copy`])).code).toBe(0);
  expect(await newestReceipt()).toEqual(act("backup"));
});

test("what operators did passes an audit", async () => {
  const audit = await openexecHere(daemon, ["audit"]);
  expect([audit.code, audit.stderr]).toEqual([0, ""]);
});
