import { stringOf } from "../../src/core/bytes.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Turns } from "../../src/server/admission/turns.ts";
import { parseAnswers, rawExchange } from "../support/raw_http.ts";
import { until } from "../support/until.ts";
import { EXECUTION_ID, executionView, LIMITS, TestServer } from "./fakes.ts";

const MIB = 2 ** 20;

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start({ limits: { headerMs: 400, bodyMs: 400 } });
});
afterEach(() => server.close());

const GET = "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n";

function post(nonce: string, extra = ""): string {
  const body = `{"action":"echo","nonce":"${nonce}"}`;
  return `POST /execute HTTP/1.1\r\nHost: x\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const statuses = (answers: readonly { status: number }[]) => answers.map(({ status }) => status);
const nonces = () => server.engine.executed.map(({ request }) => request.nonce);

test("a connection serves one request after another", async () => {
  const { answers, closed } = await rawExchange(server.agent, GET.repeat(3), { answers: 3 });
  expect(statuses(answers)).toEqual([200, 200, 200]);
  expect(closed).toBe(false);
});

test("pipelined requests are executed one after another, in their order", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const [first, second] = gates;
  server.engine.gate = first?.promise ?? Promise.resolve();
  const exchange = rawExchange(server.agent, post("a") + post("b") + GET, { answers: 3 });
  await until(() => nonces().length === 1);
  server.engine.gate = second?.promise ?? Promise.resolve();
  expect(nonces()).toEqual(["a"]);
  first?.resolve();
  await until(() => nonces().length === 2);
  second?.resolve();
  expect(statuses((await exchange).answers)).toEqual([200, 200, 200]);
  expect(nonces()).toEqual(["a", "b"]);
});

test("more than 16 unanswered requests on one connection end it", async () => {
  const gate = Promise.withResolvers<void>();
  server.engine.gate = gate.promise;
  const flood = post("a") + post("b") + GET.repeat(15);
  const { answers, closed } = await rawExchange(server.agent, flood);
  expect([answers, closed]).toEqual([[], true]);
  gate.resolve();
  expect((await rawExchange(server.agent, GET.repeat(16), { answers: 16 })).answers).toHaveLength(
    16,
  );
  expect(nonces()).not.toContain("b");
});

test("who closes the sending half, as socat does, still gets every answer", async () => {
  const gate = Promise.withResolvers<void>();
  server.engine.gate = gate.promise;
  const exchange = rawExchange(server.agent, post("a") + post("b") + GET, {
    halfClose: true,
    answers: Infinity,
  });
  await until(() => nonces().length === 1);
  // By the time another connection was served, the end of this one's input has been seen.
  await rawExchange(server.agent, GET);
  gate.resolve();
  const { answers, closed } = await exchange;
  expect(statuses(answers)).toEqual([200, 200, 200]);
  expect(closed).toBe(true);
});

test("HTTP/1.0 is answered and closed, or kept open where it is asked to", async () => {
  const once = await rawExchange(server.agent, "GET /ready HTTP/1.0\r\n\r\n", {
    answers: Infinity,
  });
  expect([statuses(once.answers), once.closed]).toEqual([[200], true]);
  const keep = "GET /ready HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  const kept = await rawExchange(server.agent, keep + keep, { answers: 2 });
  expect([statuses(kept.answers), kept.closed]).toEqual([[200, 200], false]);
});

test("empty lines before a request line are passed over (RFC 9112 section 2.2)", async () => {
  expect(statuses((await rawExchange(server.agent, `\r\n\r\n${GET}`)).answers)).toEqual([200]);
});

test("chunked bodies are read, extensions and trailers passed over", async () => {
  const body = '{"action":"echo","nonce":"n-1"}';
  const chunked = `5;x=y\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16)}\r\n${
    body.slice(5)
  }\r\n0\r\nA: b\r\n\r\n`;
  const head = "POST /execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const { answers } = await rawExchange(server.agent, head + chunked + GET, { answers: 2 });
  expect(statuses(answers)).toEqual([200, 200]);
  expect(nonces()).toEqual(["n-1"]);
});

test("a body of 200,000 chunks of one byte is read as any other", async () => {
  await server.close();
  server = await TestServer.start({ limits: { requestBytes: 300_000, bodyMs: 60_000 } });
  const [head = "", tail = ""] = ['{"action":"echo","nonce":"n-1","payload":{"text":"', '"}}'];
  const text = "x".repeat(200_000 - head.length - tail.length);
  const chunks = [...`${head}${text}${tail}`].map((byte) => `1\r\n${byte}\r\n`).join("");
  const request =
    `POST /execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
  const { answers } = await rawExchange(server.agent, request, { patienceMs: 60_000 });
  expect(statuses(answers)).toEqual([200]);
  expect(
    server.engine.executed.map(({ request }) => JSON.parse(stringOf(request.canonical)).payload),
  )
    .toEqual([{ text }]);
  expect(server.bugs).toEqual([]);
});

test("a chunked body that is too large byte by byte is refused as too large", async () => {
  const chunks = "1\r\nx\r\n".repeat(5000);
  const request =
    `POST /execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
  const { answers, closed } = await rawExchange(server.agent, request, { answers: Infinity });
  expect([statuses(answers), closed]).toEqual([[413], true]);
});

test("who waits for 100 Continue is told to go on, and who announces too much is not", async () => {
  const connection = await Deno.connect({ transport: "unix", path: server.agent });
  const [head = "", body = ""] = post("a", "Expect: 100-continue\r\n").split("\r\n\r\n");
  await connection.write(new TextEncoder().encode(`${head}\r\n\r\n`));
  expect(await readText(connection)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  await connection.write(new TextEncoder().encode(body));
  expect(await readText(connection)).toMatch(/^HTTP\/1\.1 200 /);
  connection.close();

  const large =
    "POST /execute HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n";
  const { answers, closed } = await rawExchange(server.agent, large, { answers: Infinity });
  expect([statuses(answers), closed]).toEqual([[413], true]);
});

test("a whole body that is too large is read to its end, so that its sender gets to read the answer", async () => {
  const size = 3_000_000;
  const request = `POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n${
    "x".repeat(size)
  }`;
  const { answers, closed } = await rawExchange(server.agent, request, { answers: Infinity });
  expect([statuses(answers), closed]).toEqual([[413], true]);
});

test.each([
  ["an unknown route", "GET /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 5", 404],
  ["a method that is not allowed", "PUT /execute HTTP/1.1\r\nHost: x\r\nContent-Length: 5", 405],
  ["two Hosts", "POST /execute HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 5", 400],
  ["too large a length", "POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: 5000", 413],
  ["a body that the route does not take", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5", 400],
])("%s is refused before its body comes", async (_title, head, status) => {
  const connection = await Deno.connect({ transport: "unix", path: server.agent });
  await connection.write(new TextEncoder().encode(`${head}\r\n\r\n`));
  // The whole answer is there, and the connection is not over: it still takes the body.
  expect(parseAnswers(await readText(connection)).map((answer) => answer.status)).toEqual([status]);
  await connection.write(new TextEncoder().encode("12345"));
  expect(await readAll(connection)).toBe("");
  connection.close();
});

test("a refused body that never comes does not hold the connection", async () => {
  const head = "GET /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
  const { answers, closed } = await rawExchange(server.agent, head, { answers: Infinity });
  expect([statuses(answers), closed]).toEqual([[404], true]);
});

test("a peer that may not come in is told so, whatever it sends", async () => {
  await server.close();
  server = await TestServer.start({ agent: { uids: new Set([(Deno.uid() ?? 0) + 1]) } });
  for (const text of ["nonsense\r\n\r\n", "GET / RTSP/1.0\r\n\r\n", GET]) {
    expect(statuses((await rawExchange(server.agent, text)).answers)).toEqual([403]);
  }
});

test("nonsense behind a running request does not answer in its place, and ends the connection after it", async () => {
  const gate = Promise.withResolvers<void>();
  server.engine.gate = gate.promise;
  const exchange = rawExchange(server.agent, `${post("a")}nonsense\r\n\r\n`, { answers: Infinity });
  await until(() => nonces().length === 1);
  gate.resolve();
  const { answers, closed } = await exchange;
  expect([statuses(answers), closed]).toEqual([[200], true]);
});

test("a head that drips in too slowly is refused, however busy it looks", async () => {
  const connection = await Deno.connect({ transport: "unix", path: server.agent });
  const dripping = drip(connection, "GET /ready HTTP/1.1\r\n", "X: y\r\n");
  const text = await readAll(connection);
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
  connection.close();
  await dripping;
});

test("a body of which no more comes is refused long before its time is over", async () => {
  await server.close();
  server = await TestServer.start({ limits: { bodyIdleMs: 50, bodyMs: 2 ** 30 } });
  const head = "POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n";
  const { answers, closed } = await rawExchange(server.agent, `${head}{`, { answers: Infinity });
  expect([statuses(answers), closed]).toEqual([[400], true]);
});

test("a body that drips in too slowly is refused, however busy it looks", async () => {
  const connection = await Deno.connect({ transport: "unix", path: server.agent });
  const dripping = drip(
    connection,
    "POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n",
    " ",
  );
  expect(await readAll(connection)).toMatch(/^HTTP\/1\.1 400 /);
  connection.close();
  await dripping;
  expect(server.engine.contexts).toEqual([]);
});

test("a second head on a kept connection has its time limit as well", async () => {
  const connection = await Deno.connect({ transport: "unix", path: server.agent });
  await connection.write(new TextEncoder().encode(`${GET}GET /rea`));
  const text = await readAll(connection);
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(2);
  connection.close();
});

test("who does not read the answer loses the connection, and nothing else", async () => {
  const long = "y".repeat(4_000_000);
  server.inspector.metrics = () => long;
  const connection = await Deno.connect({ transport: "unix", path: server.admin });
  await connection.write(new TextEncoder().encode("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"));
  await until(() => server.events.length === 1);
  expect((await readAll(connection)).length).toBeLessThan(long.length);
  connection.close();
  expect(statuses((await rawExchange(server.agent, GET)).answers)).toEqual([200]);
});

test("who hangs up while it runs changes nothing for anybody", async () => {
  const gate = Promise.withResolvers<void>();
  server.engine.gate = gate.promise;
  const connection = await Deno.connect({ transport: "unix", path: server.agent });
  await connection.write(new TextEncoder().encode(post("a")));
  await until(() => nonces().length === 1);
  connection.close();
  expect(statuses((await rawExchange(server.agent, GET)).answers)).toEqual([200]);
  gate.resolve();
  await until(() => server.events.some(({ route }) => route === "POST /execute"));
  expect(server.bugs).toEqual([]);
});

test("what waits behind a running request is not executed once its sender is gone", async () => {
  const gate = Promise.withResolvers<void>();
  server.engine.gate = gate.promise;
  const connection = await Deno.connect({ transport: "unix", path: server.agent });
  await connection.write(new TextEncoder().encode(post("a") + post("b")));
  await until(() => nonces().length === 1);
  connection.close();
  expect(statuses((await rawExchange(server.agent, GET)).answers)).toEqual([200]);
  gate.resolve();
  await until(() => server.events.some(({ route }) => route === "POST /execute"));
  expect(statuses((await rawExchange(server.agent, GET)).answers)).toEqual([200]);
  expect(nonces()).toEqual(["a"]);
});

test("one uid has so many connections and no more; one that ends makes room", async () => {
  await server.close();
  server = await TestServer.start({ limits: { connectionsPerUid: 2 } });
  const held = [await Deno.connect({ transport: "unix", path: server.agent })];
  held.push(await Deno.connect({ transport: "unix", path: server.agent }));
  await until(async () => (await rawExchange(server.agent, GET)).answers[0]?.status === 429);
  const { answers, closed } = await rawExchange(server.agent, GET, { answers: Infinity });
  expect([statuses(answers), closed]).toEqual([[429], true]);
  expect(answers[0]?.headers.get("retry-after")).toBe("1");
  // The operator's socket counts for itself.
  expect(statuses((await rawExchange(server.admin, GET)).answers)).toEqual([200]);
  held.pop()?.close();
  await until(async () => (await rawExchange(server.agent, GET)).answers[0]?.status === 200);
  held.pop()?.close();
});

test("one uid has so many requests per second on an agent socket, and an operator any number", async () => {
  await server.close();
  server = await TestServer.start({ limits: { requestsPerSecond: 3 } });
  const agent = await rawExchange(server.agent, GET.repeat(4), { answers: 4 });
  expect(statuses(agent.answers)).toEqual([200, 200, 200, 429]);
  const admin = await rawExchange(server.admin, GET.repeat(8), { answers: 8 });
  expect(new Set(statuses(admin.answers))).toEqual(new Set([200]));
});

test("one uid has so many requests per second on all agent sockets together", async () => {
  await server.close();
  server = await TestServer.start({ limits: { requestsPerSecond: 3 }, admin: { role: "agent" } });
  const startedAt = performance.now();
  const one = await rawExchange(server.agent, GET.repeat(8), { answers: 8 });
  const other = await rawExchange(server.admin, GET.repeat(8), { answers: 8 });
  const served = statuses([...one.answers, ...other.answers]).filter((status) => status === 200);
  expect(served.length).toBeGreaterThanOrEqual(3);
  expect(served.length).toBeLessThanOrEqual(3 + 3 * (performance.now() - startedAt) / 1000);
});

async function readText(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(65536);
  const length = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, length ?? 0));
}

async function readAll(connection: Deno.Conn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(65536);
  for (;;) {
    const length = await connection.read(buffer).catch(() => null);
    if (length === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, length));
  }
}

/** Sends `head`, then `more` again and again until the other end has had enough. */
async function drip(connection: Deno.Conn, head: string, more: string): Promise<void> {
  const encoder = new TextEncoder();
  try {
    await connection.write(encoder.encode(head));
    for (;;) {
      await connection.write(encoder.encode(more));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } catch {
    // it has
  }
}

/** Has two peers of one uid look at what it may hold once, and makes ready what they wait for. */
async function openedInTurns(ready: () => Promise<void>): Promise<void> {
  const gate = Promise.withResolvers<void>();
  server.inspector.opened = gate.promise;
  server.inspector.storedBytes = LIMITS.heldBytesPerUid + 1;
  const look = `GET /executions/${EXECUTION_ID} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const answers = [rawExchange(server.agent, look), rawExchange(server.agent, look)];
  await ready();
  await until(() => server.inspector.looks === 1);
  // Operators need no turn, and agents' turns go on meanwhile.
  for (let i = 0; i < 5; i++) await rawExchange(server.admin, GET);
  expect(server.inspector.looks).toBe(1);
  gate.resolve();
  expect((await Promise.all(answers)).flatMap(({ answers }) => statuses(answers))).toEqual([
    200,
    200,
  ]);
}

test("what is opened for an answer counts before it is opened", async () => {
  await openedInTurns(() => Promise.resolve());
});

test("what many have waited for is opened for them in turns", async () => {
  const end = Promise.withResolvers<void>();
  server.inspector.waited = end.promise;
  await openedInTurns(async () => {
    await until(() => server.inspector.waiting === 2);
    end.resolve();
  });
});

test("a large answer is its uid's work until the socket has it, whether it is read or not", async () => {
  const worked: string[] = [];
  const take = Turns.prototype.take;
  const spy = vi.spyOn(Turns.prototype, "take").mockImplementation(async function (
    this: Turns,
    ...args
  ) {
    const hold = await take.apply(this, args);
    if (hold === null) return null;
    const work = (bytes: number) => {
      worked.push(bytes > MIB ? "begins" : "small");
      return () => void worked.push("ends");
    };
    return { ...hold, work };
  });
  await server.close();
  server = await TestServer.start({ limits: { bodyMs: 600_000 } });
  const result = { text: "x".repeat(4 * MIB) };
  server.engine.answer = { ok: true, execution: executionView({ result }) };
  const connection = await Deno.connect({ transport: "unix", path: server.agent });
  await connection.write(new TextEncoder().encode(post("n-1")));
  await until(() => worked.includes("ends"));
  expect(worked).toEqual(["begins", "ends"]);
  connection.close();
  spy.mockRestore();
});
