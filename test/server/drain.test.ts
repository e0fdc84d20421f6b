import { expect, test, vi } from "vitest";
import { Admission } from "../../src/server/admission/admission.ts";
import { rawExchange } from "../support/raw_http.ts";
import { TestServer } from "./fakes.ts";
import { until } from "../support/until.ts";

const GET = "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n";
const BODY = '{"action":"echo","nonce":"n-1"}';
const POST = `POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

const codeIn = (body: string | undefined) => JSON.parse(body ?? "{}").code;

test("what runs is answered, new work is told `draining`, and then nobody answers", async () => {
  const server = await TestServer.start();
  const gate = Promise.withResolvers<void>();
  server.engine.gate = gate.promise;
  const running = rawExchange(server.agent, POST, { answers: Infinity });
  await until(() => server.engine.executed.length === 1);

  const drained = server.server.drain();
  await until(() => server.engine.draining);
  const late = await rawExchange(server.agent, POST, { answers: Infinity });
  expect([late.answers[0]?.status, codeIn(late.answers[0]?.body), late.closed]).toEqual([
    503,
    "draining",
    true,
  ]);
  expect(late.answers[0]?.headers.get("connection")).toBe("close");

  gate.resolve();
  const { answers, closed } = await running;
  expect([answers.map(({ status }) => status), closed]).toEqual([[200], true]);
  await drained;
  await expect(rawExchange(server.agent, GET)).rejects.toThrow();
  expect([...Deno.readDirSync(server.directory)]).toEqual([]);
  await server.close();
});

test("connections that wait for nothing are closed at once", async () => {
  const server = await TestServer.start();
  const kept = rawExchange(server.agent, GET, { answers: Infinity });
  const unused = await Deno.connect({ transport: "unix", path: server.agent });
  await until(() => server.events.length === 1);
  await server.server.drain();
  expect((await kept).closed).toBe(true);
  expect(await unused.read(new Uint8Array(1)).catch(() => null)).toBe(null);
  unused.close();
  await server.close();
});

test("half a request and a run without end are cut off at the limit", async () => {
  const server = await TestServer.start({ limits: { drainMs: 300, bodyMs: 60_000 } });
  server.engine.gate = new Promise(() => {});
  const endless = rawExchange(server.agent, POST, { answers: Infinity });
  const half = rawExchange(server.agent, POST.slice(0, -1), { answers: Infinity });
  await until(() => server.engine.executed.length === 1);
  await server.server.drain();
  expect([await endless, await half]).toEqual([{ answers: [], closed: true }, {
    answers: [],
    closed: true,
  }]);
  await server.close();
});

test("stopping twice, and while draining, ends the same way", async () => {
  const server = await TestServer.start({ limits: { drainMs: 60_000 } });
  server.engine.gate = new Promise(() => {});
  const endless = rawExchange(server.agent, POST, { answers: Infinity });
  await until(() => server.engine.executed.length === 1);
  void server.server.drain();
  await Promise.all([server.server.stop(), server.server.stop()]);
  expect((await endless).closed).toBe(true);
  await server.close();
});

test("a connection whose turn has not come when it stops is told so, and no limit", async () => {
  const server = await TestServer.start();
  const turn = Promise.withResolvers<null>();
  const asked = vi.spyOn(Admission.prototype, "turn").mockReturnValueOnce(turn.promise);
  const waiting = rawExchange(server.agent, POST, { answers: Infinity });
  await until(() => asked.mock.calls.length === 1);
  asked.mockRestore();
  await server.server.stop();
  turn.resolve(null);
  expect((await waiting).answers.map(({ body }) => codeIn(body))).toEqual(["draining"]);
  await server.close();
});

test("a socket that cannot be had leaves none behind", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-server-" });
  Deno.writeTextFileSync(`${directory}/admin.sock`, "");
  await expect(TestServer.startIn(directory)).rejects.toThrow();
  expect([...Deno.readDirSync(directory)].map(({ name }) => name)).toEqual(["admin.sock"]);
  Deno.removeSync(directory, { recursive: true });
});
