/** A client that does what it likes ends at worst this process, and hears nothing but messages. */

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeDaemon } from "../client/fake_daemon.ts";
import { until } from "../support/until.ts";
import { RawAgent } from "./agent_process.ts";

let daemon: FakeDaemon;
/** Its session is open. One for all tests, unless a test ends it. */
let agent: RawAgent;

beforeAll(async () => {
  daemon = await FakeDaemon.start();
  agent = new RawAgent(daemon.socketPath);
  await agent.initialize();
});
beforeEach(() => {
  daemon.received.length = 0;
  daemon.mishaps.length = 0;
});
afterAll(async () => {
  await agent.end();
  await daemon[Symbol.asyncDispose]();
});

/** Lists the tools, after everything that was sent before. */
async function tools(asking = agent): Promise<unknown> {
  await asking.send({ id: "list", method: "tools/list" });
  const { result } = await asking.answerTo("list");
  return JSON.parse(JSON.stringify(result)).tools.map(({ name }: { name: string }) => name);
}

const LISTED = ["echo", "pay", "openexec_wait", "openexec_withdraw"];
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

test.each([
  ["no JSON", "{nonsense"],
  ["no message", "[]"],
  ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
  ["a name twice in an answer", '{"jsonrpc":"2.0","id":7,"result":{"a":1,"a":1}}'],
  ["an id that would be rounded", '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}'],
  ["deep nesting", "[".repeat(100_000)],
])("%s is answered with a parse error, and the next message is served", async (_what, line) => {
  await agent.write(line);
  await agent.write("\n");
  expect(await agent.next()).toMatchObject({ id: null, error: { code: PARSE_ERROR } });
  expect(await tools()).toEqual(LISTED);
});

test.each([
  ['{"n":9007199254740992}', /an integer outside .* as strings/],
  ['{"n":1e400}', /a number past the double range/],
  ['{"n":1e-400}', /a number that would become 0/],
  ['{"n":1,"n":2}', /a key twice/],
  ['{"n":"\\ud800"}', /a lone surrogate/],
])("the call whose arguments are %s is told why, and proposes nothing", async (payload, why) => {
  for (const id of [7, "seven"]) {
    const named = JSON.stringify(id);
    await agent.write(
      `{"jsonrpc":"2.0","id":${named},"method":"tools/call","params":{"name":"pay","arguments":${payload}}}\n`,
    );
    const error = { code: PARSE_ERROR, message: expect.stringMatching(why) };
    expect(await agent.next()).toMatchObject({ id, error });
  }
  expect(daemon.received.filter(({ path }) => path === "/proposals")).toEqual([]);
});

test("arguments reach the daemon as they came, with names that objects are born with", async () => {
  daemon.mishaps.push({ problem: "payload_invalid" });
  const payload = '{"__proto__":{"a":1},"constructor":2,"b":1e21}';
  await agent.write(
    `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"pay","arguments":${payload}}}\n`,
  );
  await agent.answerTo(7);
  const body = daemon.received.find(({ path }) => path === "/proposals")?.body;
  expect(body).toContain('"payload":{"__proto__":{"a":1},"constructor":2,"b":1e+21}');
});

test("a message larger than the limit ends the process, and nothing else", async () => {
  const other = new RawAgent(daemon.socketPath);
  await other.initialize();
  const [answer] = await Promise.all([
    other.next(),
    other.write(`{"jsonrpc":"2.0","id":7,"method":"${"x".repeat(8 * 2 ** 20)}"}\n`).catch(() => {}),
  ]);
  expect(answer).toMatchObject({ id: null, error: { code: PARSE_ERROR } });
  expect((await other.status).code).toBe(0);
});

test("notifications and answers out of order change nothing", async () => {
  const early = new RawAgent(daemon.socketPath);
  await early.send({ method: "notifications/initialized" });
  await early.send({ method: "notifications/cancelled", params: { requestId: "nobody" } });
  await early.send({ method: "notifications/unheard", params: {} });
  await early.send({ id: 99, result: { content: [] } });
  await early.initialize();
  await early.send({ method: "notifications/cancelled", params: { requestId: "initialize" } });
  await early.send({ method: "notifications/progress", params: { progressToken: 1, progress: 1 } });
  expect(await tools(early)).toEqual(LISTED);
  await early.end();
});

test.each(["__proto__", "constructor", "toString", "", "pay\u0000"])(
  "a tool named %j does not exist",
  async (name) => {
    await agent.call(7, name, {});
    expect(await agent.answerTo(7)).toMatchObject({ error: { code: -32602 } });
  },
);

test.each([
  {},
  ...["", "none", "../health", 7, null].map((proposal) => ({ proposal })),
])("%j names no proposal, and the daemon is not asked", async (args) => {
  for (const tool of ["openexec_wait", "openexec_withdraw"]) {
    await agent.call(7, tool, args);
    expect(await agent.answerTo(7)).toMatchObject({
      result: {
        isError: true,
        structuredContent: {
          message: expect.stringMatching(/^proposal_not_found: /),
          problem: { code: "proposal_not_found", effect: "none", retry: "never" },
        },
      },
    });
  }
  expect(daemon.received).toEqual([]);
});

test("an id that is in use is refused, until its call is over", async () => {
  daemon.mishaps.push("hang");
  await agent.call(7, "pay", { n: 1 });
  await until(() => daemon.received.some(({ path }) => path === "/proposals"));
  await agent.call(7, "pay", { n: 2 });
  expect(await agent.next()).toMatchObject({ id: 7, error: { code: INVALID_REQUEST } });
  expect(daemon.received.filter(({ path }) => path === "/proposals")).toHaveLength(1);
  await agent.send({ method: "notifications/cancelled", params: { requestId: 7 } });
  daemon.mishaps.push({ problem: "payload_invalid" });
  await agent.call(7, "pay", { n: 2 });
  expect(await agent.answerTo(7)).toMatchObject({ result: { isError: true } });
});

test("a flood of calls is answered, and no more of them reach the daemon at once", async () => {
  const calls = Array.from({ length: 200 }, (_, id) => id);
  daemon.mishaps.push(...Array.from({ length: 48 }, () => "hang" as const));
  for (const id of calls) await agent.call(id, "pay", {});
  for (let answered = 0; answered < 152; answered++) {
    const { result } = await agent.next();
    expect(result).toMatchObject({
      isError: true,
      structuredContent: { problem: { code: "rate_limited", effect: "unknown" } },
    });
  }
  expect(daemon.received.filter(({ path }) => path === "/proposals").length).toBeLessThanOrEqual(
    48,
  );
});

test("where nobody answers on the socket it ends with 3 and says so on standard error", async () => {
  const alone = new RawAgent("/nowhere.sock");
  expect(await alone.end()).toBe(3);
  expect(await alone.errors).toContain("nobody answers on the socket");
});
