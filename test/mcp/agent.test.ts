/** An agent proposes over MCP, a person decides, and nothing runs twice, whoever dies meanwhile. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Desk } from "../e2e/desk.ts";
import { shared } from "../support/shared.ts";
import { until } from "../support/until.ts";
import { type Answer, delivered, type Era, McpAgent, pendingOf } from "./agents.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await Desk.start();
});
afterAll(() => desk[Symbol.asyncDispose]());

const ERAS: readonly Era[] = ["2025-11-25", "2026-07-28"];
const agents = {
  "2025-11-25": shared(() => McpAgent.start(desk, "2025-11-25")),
  "2026-07-28": shared(() => McpAgent.start(desk, "2026-07-28")),
};

describe.each(ERAS)("an agent of %s", (era) => {
  let agent: McpAgent;
  beforeEach(async () => void (agent = await agents[era]()));
  /** Holds its calls for a second only. */
  const impatience = shared(() => McpAgent.start(desk, era, ["--hold", "1s"]));
  const limiting = shared(() => McpAgent.start(desk, era, ["--actions", "echo,hold"]));

  test("has the actions of its socket as tools", async () => {
    const limited = await limiting();
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
    const impatient = await impatience();
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
    const impatient = await impatience();
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
    const first = await limiting();
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
});

interface Met {
  readonly label: string;
  readonly id: string;
  readonly called: Promise<Answer>;
}

/**
 * One death of the daemon, which meets two calls of each agent: one waits for a decision then, and
 * the other one runs.
 */
const death = shared(async () => {
  const number = crypto.randomUUID();
  const meet = async (agent: McpAgent, label: string): Promise<Met> => {
    const payload = desk.held(label);
    const called = agent.call("hold", payload);
    called.catch(() => {}); // the test of it says so
    return { label, called, id: await pendingOf(desk, payload) };
  };
  const met = new Map<Era, { readonly waits: Met; readonly runs: Met }>();
  for (const era of ERAS) {
    const agent = await agents[era]();
    const runs = await meet(agent, `lost-${era}-${number}`);
    await desk.approve(runs.id);
    await desk.started(runs.label);
    met.set(era, { runs, waits: await meet(agent, `survived-${era}-${number}`) });
  }
  await desk.again();
  return {
    of: (era: Era) => met.get(era) ?? expect.fail(`no call of ${era}`),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});

describe.each(ERAS)("an agent of %s", (era) => {
  test("waits through the death of the daemon, and the run happens once", async () => {
    const { waits: { label, id, called } } = (await death()).of(era);
    await desk.approve(id);
    await desk.started(label);
    desk.letGo(label);
    expect(await called).toMatchObject({ isError: false, proposal: { id, status: "succeeded" } });
    await delivered(desk, id);
    expect(desk.starts(label)).toBe(1);
  });

  test("hears that the outcome is unknown where the daemon died in the run", async () => {
    const { runs: { label, id, called } } = (await death()).of(era);
    expect(await called).toMatchObject({
      isError: true,
      text: expect.stringContaining("Do not try again"),
      proposal: { id, status: "outcome_unknown" },
    });
    expect(desk.starts(label)).toBe(1);
  });
});

test("two same calls at once are two proposals, each with its own end", async () => {
  const agent = await agents["2026-07-28"]();
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
