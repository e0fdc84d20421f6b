import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OpenExecClient, OpenExecError, OpenExecUnreachable } from "../../src/client/mod.ts";
import { FakeDaemon } from "./fake_daemon.ts";

let daemon: FakeDaemon;
let client: OpenExecClient;

beforeEach(async () => {
  daemon = await FakeDaemon.start();
  client = new OpenExecClient({
    socketPath: daemon.socketPath,
    retry: { attempts: 3, firstDelayMs: 1, maxDelayMs: 20 },
  });
});
afterEach(async () => {
  client.close();
  await daemon[Symbol.asyncDispose]();
});

const posts = () => daemon.received.filter((request) => request.path === "/execute");
const caught = (promise: Promise<unknown>) =>
  promise.then(() => undefined, (error: unknown) => error);

describe("execute()", () => {
  test("answers the execution as the wire has it", async () => {
    const request = client.request("echo", { msg: "hello" });
    const execution = await client.execute(request);
    expect(execution).toMatchObject({
      action: "echo",
      status: "succeeded",
      result: { msg: "hello" },
      log_index: 0,
    });
    expect(await client.get(execution.id)).toEqual(execution);
    expect(await client.getByNonce(request.nonce)).toEqual(execution);
  });

  test("keeps one connection for calls that follow each other", async () => {
    for (let i = 0; i < 5; i++) await client.execute(client.request("echo", { i }));
    expect(new Set(daemon.received.map(({ connection }) => connection))).toEqual(new Set([1]));
  });

  test("sends the same bytes again after the connection broke; nothing runs twice", async () => {
    daemon.mishaps.push("run, then reset", "reset");
    const request = client.request("echo", { n: 1 });
    const execution = await client.execute(request);
    expect(execution.replayed).toBe(true);
    expect(posts()).toHaveLength(3);
    expect(new Set(posts().map(({ body }) => body)).size).toBe(1);
    expect(daemon.starts.get(request.nonce)).toBe(1);
  });

  test.each(
    ["executor_busy", "execution_in_flight", "halted", "storage_full", "internal_error"] as const,
  )(
    "tries again after %s, as the problem says",
    async (code) => {
      daemon.mishaps.push({ problem: code });
      expect((await client.execute(client.request("echo"))).status).toBe("succeeded");
      expect(posts()).toHaveLength(2);
    },
  );

  test.each(
    [
      "approval_expired",
      "nonce_reused",
      "payload_invalid",
      "handler_failed",
      "outcome_unknown",
    ] as const,
  )(
    "never tries again after %s",
    async (code) => {
      daemon.mishaps.push({ problem: code });
      expect(await caught(client.execute(client.request("echo")))).toMatchObject({
        name: "OpenExecError",
        code,
      });
      expect(posts()).toHaveLength(1);
    },
  );

  test("gives up after its attempts, with the last problem", async () => {
    daemon.mishaps.push({ problem: "halted" }, { problem: "halted" }, { problem: "draining" });
    expect(await caught(client.execute(client.request("echo")))).toMatchObject({
      code: "draining",
      effect: "none",
    });
    expect(posts()).toHaveLength(3);
  });

  test("tries once where the caller wants that", async () => {
    daemon.mishaps.push({ problem: "halted" });
    const error = await caught(client.execute(client.request("echo"), { retry: false }));
    expect(error).toMatchObject({ code: "halted", status: 503, retry: "same_request" });
    expect(posts()).toHaveLength(1);
  });

  test("leaves it to the caller when Retry-After is longer than it would wait", async () => {
    daemon.mishaps.push({ problem: "rate_limited", retryAfterSeconds: 60 });
    const error = await caught(client.execute(client.request("echo")));
    expect(error).toMatchObject({ code: "rate_limited", retryAfterMs: 60_000 });
  });

  test("carries the execution of an unhappy outcome", async () => {
    const execution = {
      id: "0190b1c0-0000-7000-8000-000000000001",
      action: "echo",
      status: "outcome_unknown",
    };
    daemon.mishaps.push({ problem: "outcome_unknown", execution });
    const error = await caught(client.execute(client.request("echo")));
    expect(error).toMatchObject({ code: "outcome_unknown", effect: "unknown", execution });
  });

  test("asks the daemon to wait for a run in flight", async () => {
    await client.execute(client.request("echo"), { waitMs: 1_500 });
    await client.execute(client.request("echo"), { waitMs: 0 });
    expect(posts().map(({ headers }) => headers["prefer"])).toEqual(["wait=2", undefined]);
  });

  test("stops at once when its signal aborts", async () => {
    daemon.mishaps.push("hang");
    const stop = new AbortController();
    const running = caught(client.execute(client.request("echo"), { signal: stop.signal }));
    await expect.poll(() => posts().length).toBe(1);
    stop.abort(new Error("enough"));
    expect(await running).toMatchObject({ message: "enough" });
    expect(posts()).toHaveLength(1);
  });

  test("stops while it waits to try again", async () => {
    const patient = new OpenExecClient({
      socketPath: daemon.socketPath,
      retry: { firstDelayMs: 60_000, maxDelayMs: 60_000 },
    });
    daemon.mishaps.push({ problem: "halted" });
    const stop = new AbortController();
    const running = caught(patient.execute(patient.request("echo"), { signal: stop.signal }));
    await expect.poll(() => posts().length).toBe(1);
    stop.abort(new Error("enough"));
    expect(await running).toMatchObject({ message: "enough" });
    patient.close();
  });

  test("sends nothing when its signal was aborted before", async () => {
    const error = await caught(
      client.execute(client.request("echo"), { signal: AbortSignal.abort(new Error("no")) }),
    );
    expect(error).toMatchObject({ message: "no" });
    expect(posts()).toHaveLength(0);
  });
});

describe("a daemon that cannot be reached", () => {
  test("has no effect when nobody took the connection", async () => {
    const nobody = new OpenExecClient({
      socketPath: `${daemon.socketPath}.none`,
      retry: { attempts: 1 },
    });
    const error = await caught(nobody.execute(nobody.request("echo")));
    expect(error).toBeInstanceOf(OpenExecUnreachable);
    expect(error).toMatchObject({ effect: "none" });
  });

  test("has an unknown effect when the connection broke after the request left", async () => {
    daemon.mishaps.push("reset", "reset", "reset");
    const error = await caught(client.execute(client.request("echo")));
    expect(error).toBeInstanceOf(OpenExecUnreachable);
    expect(error).toMatchObject({ effect: "unknown" });
  });

  test("is one that does not answer a look within the time limit", async () => {
    const hasty = new OpenExecClient({
      socketPath: daemon.socketPath,
      timeoutMs: 50,
      retry: { attempts: 1 },
    });
    daemon.mishaps.push("hang");
    expect(await caught(hasty.describe())).toMatchObject({
      name: "OpenExecUnreachable",
      effect: "unknown",
    });
    hasty.close();
  });
});

describe("an answer that is not the daemon's", () => {
  test.each([
    ["no JSON", { answer: "<html>" }],
    ["no execution", { answer: '{"id":1}' }],
    ["a problem without a code", { answer: "{}", status: 502 }],
  ])("%s is an internal_error that is not retried", async (_, mishap) => {
    daemon.mishaps.push(mishap);
    const error = await caught(client.execute(client.request("echo")));
    expect(error).toBeInstanceOf(OpenExecError);
    expect(error).toMatchObject({ code: "internal_error", effect: "unknown", retry: "never" });
    expect(posts()).toHaveLength(1);
  });

  test("is refused once it is larger than the caller wants to hold", async () => {
    const small = new OpenExecClient({
      socketPath: daemon.socketPath,
      answerBytesMax: 100,
      retry: { attempts: 1 },
    });
    const error = await caught(small.execute(small.request("echo", { text: "x".repeat(200) })));
    expect(error).toMatchObject({ name: "OpenExecUnreachable", effect: "unknown" });
    small.close();
  });

  test("may hold doubles that print as integers past 2^53", async () => {
    daemon.mishaps.push({
      answer: '{"id":"i","action":"a","status":"succeeded","result":{"n":100000000000000000000}}',
    });
    expect((await client.execute(client.request("echo"))).result).toEqual({ n: 1e20 });
  });
});

describe("waitFor()", () => {
  test("looks again until the execution is settled", async () => {
    const request = client.request("echo", { n: 1 });
    const { id } = await client.execute(request);
    daemon.looksReserved = 2;
    expect((await client.waitFor({ id })).status).toBe("succeeded");
    daemon.looksReserved = 1;
    expect((await client.waitFor(request)).id).toBe(id);
  });

  test("stops when its signal aborts", async () => {
    const { id } = await client.execute(client.request("echo"));
    daemon.looksReserved = Infinity;
    const stop = new AbortController();
    const waiting = caught(client.waitFor({ id }, { signal: stop.signal }));
    await expect.poll(() => daemon.received.length).toBeGreaterThan(1);
    stop.abort(new Error("enough"));
    expect(await waiting).toMatchObject({ message: "enough" });
  });

  test("rejects for an execution nobody asked for", async () => {
    expect(await caught(client.waitFor({ nonce: "never" }))).toMatchObject({
      code: "execution_not_found",
    });
  });
});

test("status() tells how the daemon feels, also when that is unwell", async () => {
  expect(await client.status()).toMatchObject({
    executor_id: "openexec:fake",
    tenant: "t1",
    ready: true,
  });
  daemon.mishaps.push({
    answer: '{"service":"openexec","status":"ok","version":"1","executor_id":"x"}',
  });
  daemon.mishaps.push({ answer: '{"status":"halted"}', status: 503 }, {
    answer: '{"ready":false}',
    status: 503,
  });
  const unwell = new OpenExecClient({ socketPath: daemon.socketPath });
  expect(await unwell.status()).toMatchObject({ ready: false, health: { status: "halted" } });
  unwell.close();
});

test("actions() lists what this socket may ask for", async () => {
  expect((await client.actions()).map(({ name }) => name)).toEqual(["echo", "pay"]);
});

test("headers of the client go with every request", async () => {
  const traced = new OpenExecClient({
    socketPath: daemon.socketPath,
    headers: { "X-Request-Id": "7" },
  });
  await traced.describe();
  expect(daemon.received[0]?.headers["x-request-id"]).toBe("7");
  traced.close();
});
