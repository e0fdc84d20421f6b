/** A call that outlasts its hold becomes a task, for a client that declared that it takes one. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeDaemon } from "../client/fake_daemon.ts";
import { Desk } from "../e2e/desk.ts";
import { until } from "../support/until.ts";
import { RawAgent } from "./agent_process.ts";
import { delivered } from "./agents.ts";

const TASKS = { extensions: { "io.modelcontextprotocol/tasks": {} } };

let desk: Desk;
/** Who asks: one for all tests, unless a test says that it is another. */
let agent: RawAgent;
let requests = 0;
beforeAll(async () => {
  desk = await Desk.start();
  agent = impatient();
});
afterAll(async () => {
  await agent.end();
  await desk[Symbol.asyncDispose]();
});

/** Holds its calls for a second only. */
const impatient = () => new RawAgent(desk.socket("agent"), ["--hold", "1s"]);

/** Asks as `other` does, and ends it. */
async function asking(other: RawAgent, act: () => Promise<void>): Promise<void> {
  const shared = agent;
  agent = other;
  try {
    await act();
  } finally {
    await other.end();
    agent = shared;
  }
}

/** Sends a request of 2026-07-28, which says by itself who asks and what it takes. */
async function ask(method: string, params: object, capabilities: object = TASKS) {
  const id = ++requests;
  const envelope = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  };
  await agent.send({ id, method, params: { ...params, _meta: envelope } });
  return JSON.parse(JSON.stringify(await agent.answerTo(id)));
}

const call = (args: object, capabilities: object = TASKS) =>
  ask("tools/call", { name: "echo", arguments: args }, capabilities);

/** What a daemon answers of a proposal that has run. */
function ended(id: string) {
  const at = "2026-01-01T00:00:00.000Z";
  const proposal = {
    id,
    action: "echo",
    status: "succeeded",
    proposed_at: at,
    expires_at: at,
    nonce: "n-1",
    now: at,
    peer: { uid: 1000, pid: 1 },
    approvals: { needed: 1, given: [], max_ttl_seconds: 900 },
  };
  return { answer: JSON.stringify(proposal) };
}

test("the server says that it has tasks", async () => {
  const { result } = await ask("server/discover", {});
  expect(result.capabilities.extensions).toEqual(TASKS.extensions);
});

test("it is polled until its proposal has ended, and has the result then", async () => {
  const { result: task } = await call({ polled: 1 });
  expect(task).toMatchObject({ resultType: "task", status: "working", ttlMs: null });
  const { taskId } = task;
  const working = await ask("tasks/get", { taskId });
  expect(working.result).toMatchObject({ resultType: "complete", taskId, status: "working" });
  await desk.approve(taskId);
  await desk.end(taskId);
  const { result } = await ask("tasks/get", { taskId });
  expect(result).toMatchObject({
    resultType: "complete",
    status: "completed",
    result: { structuredContent: { id: taskId, status: "succeeded" } },
  });
  await delivered(desk, taskId);
});

test("it outlives the server's process", async () => {
  let taskId = "";
  await asking(impatient(), async () => {
    ({ result: { taskId } } = await call({ outlived: 1 }));
    agent.kill();
    await agent.status;
  });
  await asking(new RawAgent(desk.socket("agent")), async () => {
    expect((await ask("tasks/get", { taskId })).result.status).toBe("working");
    await desk.decline(taskId, "no");
    const { result } = await ask("tasks/get", { taskId });
    expect(result).toMatchObject({ status: "completed", result: { isError: true } });
  });
});

test("tasks/cancel takes the proposal back", async () => {
  const { result: { taskId } } = await call({ cancelled: 1 });
  expect((await ask("tasks/cancel", { taskId })).result).toMatchObject({ resultType: "complete" });
  expect((await ask("tasks/get", { taskId })).result.status).toBe("cancelled");
  expect((await desk.approve(taskId)).json.code).toBe("proposal_over");
});

test.each(["tasks/update", "tasks/cancel"])("%s tells no end, so it notes none", async (of) => {
  await using daemon = await FakeDaemon.start();
  await asking(new RawAgent(daemon.socketPath), async () => {
    const taskId = "019aab00-0000-7000-8000-000000000001";
    await ask("server/discover", {});
    daemon.mishaps.push(...Array(4).fill(ended(taskId)));
    expect((await ask(of, { taskId })).result).toMatchObject({ resultType: "complete" });
    expect((await ask("tasks/get", { taskId })).result.status).toBe("completed");
    const noted = () => daemon.received.filter(({ path }) => path.endsWith("/delivered"));
    await until(() => daemon.received.at(-1) === noted().at(-1));
    expect(noted()).toHaveLength(1);
  });
});

test("a client that did not declare them gets a pending answer, and no task's methods", async () => {
  const { result } = await call({ undeclared: 1 }, {});
  expect(result).toMatchObject({
    resultType: "complete",
    structuredContent: { status: "pending" },
  });
  const { error } = await ask("tasks/get", { taskId: result.structuredContent.id }, {});
  expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: TASKS } });
});

test.each(["tasks/get", "tasks/update", "tasks/cancel"])("%s of no task is refused", async (of) => {
  for (const taskId of ["", "nothing", "019aab00-0000-7000-8000-000000000001", "../../x"]) {
    expect((await ask(of, { taskId })).error).toMatchObject({ code: -32602 });
  }
});
