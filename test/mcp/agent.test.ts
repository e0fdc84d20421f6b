/** An agent proposes over MCP, a person decides, and nothing runs twice, whoever dies meanwhile. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Desk } from "../e2e/desk.ts";
import { until } from "../support/until.ts";
import { delivered, type Era, McpAgent, pendingOf } from "./agents.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await Desk.start();
});
afterAll(() => desk[Symbol.asyncDispose]());

const ERAS: readonly Era[] = ["2025-11-25", "2026-07-28"];
const SHORT = ["--hold", "1s"];

describe.each(ERAS)("an agent of %s", (era) => {
  let agent: McpAgent;
  /** Holds its calls for a second only. */
  let impatient: McpAgent;
  beforeAll(async () => {
    agent = await McpAgent.start(desk, era);
    impatient = await McpAgent.start(desk, era, SHORT);
  });
  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await impatient[Symbol.asyncDispose]();
  });

  test("has the actions of its socket as tools", async () => {
    await using limited = await McpAgent.start(desk, era, ["--actions", "echo,hold"]);
    expect(limited.era).toBe(era);
    expect(await limited.tools()).toEqual(["echo", "hold", "openexec_wait", "openexec_withdraw"]);
  });

  test("gets the result of what was approved, once it ran", async () => {
    const called = agent.call("echo", { approved: era });
    const id = await pendingOf(desk, { approved: era });
    await desk.approve(id);
    expect(await called).toMatchObject({
      text: expect.stringContaining(`Result: {"approved":"${era}"}`),
      isError: false,
      proposal: { id, status: "succeeded", client: "mcp" },
    });
    await delivered(desk, id);
  });

  test("is told of a decline, with its reason", async () => {
    const called = agent.call("echo", { declined: era });
    const id = await pendingOf(desk, { declined: era });
    await desk.decline(id, "not today");
    expect(await called).toMatchObject({
      text: expect.stringMatching(/^Declined by alice: "not today"\. Nothing ran\./),
      isError: true,
      proposal: { id, status: "declined" },
    });
    expect(await agent.call("echo", { declined: era })).toMatchObject({
      isError: true,
      proposal: { problem: { code: "proposal_declined", retry: "never" } },
    });
  });

  test("is told what is wrong with arguments that do not fit", async () => {
    expect(await agent.call("add", { a: 1, b: "2" })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^payload_invalid: .* Correct the arguments/),
    });
  });

  test("waits on with openexec_wait", async () => {
    const pending = await impatient.call("echo", { waited: era });
    const { id } = pending.proposal;
    expect(pending).toMatchObject({ isError: false, proposal: { status: "pending" } });
    expect(pending.text).toContain("openexec_wait");
    const waited = impatient.call("openexec_wait", { proposal: id });
    await desk.approve(String(id));
    expect(await waited).toMatchObject({ isError: false, proposal: { id, status: "succeeded" } });
    await delivered(desk, id);
  });

  test("takes a proposal back with openexec_withdraw", async () => {
    const { proposal: { id } } = await impatient.call("echo", { withdrawn: era });
    expect(await impatient.call("openexec_withdraw", { proposal: id })).toMatchObject({
      isError: true,
      text: expect.stringContaining("Nothing ran."),
      proposal: { status: "withdrawn" },
    });
    expect((await desk.approve(String(id))).json.code).toBe("proposal_over");
  });

  test("that cancels a call leaves its proposal, and calls again for the same", async () => {
    const cancel = new AbortController();
    const cancelled = agent.call("echo", { cancelled: era }, cancel.signal).catch(() => "gone");
    const id = await pendingOf(desk, { cancelled: era });
    cancel.abort();
    expect(await cancelled).toBe("gone");
    const again = agent.call("echo", { cancelled: era });
    await desk.approve(id);
    expect(await again).toMatchObject({ proposal: { id, status: "succeeded" } });
  });

  test("whose process is killed before the end comes back to the same run", async () => {
    const payload = desk.held(`killed-${era}`);
    const first = await McpAgent.start(desk, era);
    first.call("hold", payload).catch(() => {});
    const id = await pendingOf(desk, payload);
    first.kill();
    await desk.approve(id);
    await desk.started(`killed-${era}`);
    await using second = await McpAgent.start(desk, era);
    const again = second.call("hold", payload);
    desk.letGo(`killed-${era}`);
    expect(await again).toMatchObject({ isError: false, proposal: { id, status: "succeeded" } });
    await delivered(desk, id);
    expect(desk.starts(`killed-${era}`)).toBe(1);
  });

  test("waits through the death of the daemon, and the run happens once", async () => {
    const payload = desk.held(`survived-${era}`);
    const called = agent.call("hold", payload);
    const id = await pendingOf(desk, payload);
    await desk.again();
    await desk.approve(id);
    await desk.started(`survived-${era}`);
    desk.letGo(`survived-${era}`);
    expect(await called).toMatchObject({ isError: false, proposal: { id, status: "succeeded" } });
    await delivered(desk, id);
    expect(desk.starts(`survived-${era}`)).toBe(1);
  });

  test("hears that the outcome is unknown where the daemon died in the run", async () => {
    const payload = desk.held(`lost-${era}`);
    const called = agent.call("hold", payload);
    const id = await pendingOf(desk, payload);
    await desk.approve(id);
    await desk.started(`lost-${era}`);
    await desk.again();
    expect(await called).toMatchObject({
      isError: true,
      text: expect.stringContaining("Do not try again"),
      proposal: { id, status: "outcome_unknown" },
    });
    expect(desk.starts(`lost-${era}`)).toBe(1);
  });
});

test("two same calls at once are two proposals, each with its own end", async () => {
  await using agent = await McpAgent.start(desk, "2026-07-28");
  const calls = [agent.call("echo", { twice: true }), agent.call("echo", { twice: true })];
  const waiting = async () => {
    const { json } = await desk.review("GET", "/proposals?status=pending");
    return json.proposals.filter(({ payload }: { payload: object }) => "twice" in payload);
  };
  await until(async () => (await waiting()).length === 2);
  const [first, second] = (await waiting()).map(({ id }: { id: string }) => id);
  await Promise.all([desk.approve(first), desk.approve(second)]);
  const ids = (await Promise.all(calls)).map(({ proposal }) => proposal["id"]);
  expect(new Set(ids)).toEqual(new Set([first, second]));
});

test("names that clash refuse the start", async () => {
  await using other = await Desk.start({
    tables: '[actions."a.b"]\nmodule = "builtin:echo"\n[actions.a_b]\nmodule = "builtin:echo"',
  });
  await expect(McpAgent.start(other, "2025-11-25")).rejects.toThrow();
});
