/** A handler says why it failed, and that reaches whoever asked, for as long as a result would be kept. */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { actionToml, handler } from "../support/action_toml.ts";
import { type Approver, request } from "../support/approver.ts";
import { openexec } from "../support/daemon.ts";
import { until } from "../support/until.ts";
import { Desk } from "./desk.ts";

let desk: Desk;

beforeAll(async () => {
  const tell = (name: string, retention: string) =>
    actionToml(name, handler("tell.ts"), `retention = { result = "${retention}" }`);
  desk = await Desk.start({
    tables: [tell("tell", "1h"), tell("brief", "3s"), tell("unkept", "none")].join("\n"),
  });
});

afterAll(() => desk[Symbol.asyncDispose]());

const REASON = "declined: card 4000 ";

/** By action and way to fail: what was sent. */
const sent = new Map<string, ReturnType<Approver["approve"]>>();

/** Sends a request that fails, the same one again where it was sent before. */
async function execute(action: string, how = "say") {
  const name = `${action}-${how}`;
  const asked = sent.get(name) ??
    desk.alice.approve(request(action, { how, told: "card 4000" }));
  sent.set(name, asked);
  return await desk.agent("POST", "/execute", asked);
}

test("a public reason is in the answer, in replays and in what is looked up, also after a restart", async () => {
  const { status, json } = await execute("tell");
  expect([status, json.code, json.effect]).toEqual([500, "handler_failed", "unknown"]);
  const { id } = json.execution;
  const failed = { id, status: "failed", code: "handler_failed", reason: REASON, result: null };
  expect(json.execution).toMatchObject({ ...failed, replayed: false });
  await desk.again();
  expect((await execute("tell")).json.execution).toMatchObject({ ...failed, replayed: true });
  expect((await desk.agent("GET", `/executions/${id}`)).json).toMatchObject(failed);
  const { executions } = (await desk.agent("GET", "/executions")).json;
  expect(executions).toContainEqual(expect.objectContaining(failed));
});

test("whatever else a handler throws stays private", async () => {
  for (const how of ["throw", "reject"]) {
    const { status, json } = await execute("tell", how);
    expect([status, json.execution.status, json.execution.reason])
      .toEqual([500, "failed", undefined]);
  }
});

test("a proposal's execution has it as well", async () => {
  const { id } = (await desk.propose("tell", { how: "say", told: "card 4001" })).json;
  await desk.approve(id);
  expect((await desk.end(id)).json).toMatchObject({
    status: "failed",
    problem: { code: "handler_failed", effect: "unknown" },
    execution: { reason: "declined: card 4001 " },
  });
});

test("with retention none it is in the first answer alone", async () => {
  expect((await execute("unkept")).json.execution.reason).toBe(REASON);
  const { json } = await execute("unkept");
  expect([json.code, json.execution.replayed, json.execution.reason])
    .toEqual(["handler_failed", true, undefined]);
});

test("it is pruned as a result is", async () => {
  const { id, reason } = (await execute("brief")).json.execution;
  expect(reason).toBe(REASON);
  await until(async () => {
    await desk.admin("POST", "/admin/prune");
    return (await desk.agent("GET", `/executions/${id}`)).json.reason === undefined;
  });
  expect((await execute("brief")).json.execution).toMatchObject({
    id,
    status: "failed",
    code: "handler_failed",
  });
});

test("commands print it, and neither receipt nor audit knows of it", async () => {
  const file = join(desk.directory, "request.json");
  Deno.writeTextFileSync(file, JSON.stringify(sent.get("tell-say")));
  const { code, stdout } = await openexec(desk.daemon, ["exec", "--json", file]);
  const execution = JSON.parse(stdout);
  expect([code, execution.reason]).toEqual([1, REASON]);
  const shown = await openexec(desk.daemon, ["show", "--json", execution.id]);
  expect(JSON.parse(shown.stdout).reason).toBe(REASON);
  expect(atob(execution.attestation.payload)).not.toContain("declined");
  expect(await desk.audit()).toMatchObject({ code: 0 });
});
