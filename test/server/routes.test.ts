import * as v from "valibot";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROUTES } from "../../src/server/routes.ts";
import { Problem } from "../../src/server/schemas.ts";
import { call } from "../support/http.ts";
import { rawExchange } from "../support/raw_http.ts";
import { EXECUTION_ID, executionView, TestServer } from "./fakes.ts";

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start();
});
afterEach(() => server.close());

/** One good request for each route of the table. */
const GOOD: Readonly<Record<string, { path?: string; body?: unknown }>> = {
  "GET /": {},
  "GET /health": {},
  "GET /ready": {},
  "GET /version": {},
  "GET /openapi.json": {},
  "POST /execute": { body: { action: "echo", nonce: "n-1" } },
  "GET /actions": {},
  "GET /executions": {},
  "GET /executions/{id}": { path: `/executions/${EXECUTION_ID}` },
  "POST /receipts/verify": { body: { exec_id: "x", result: { a: 1.5 }, receipt: "good" } },
  "GET /receipts/{log_index}": { path: "/receipts/0" },
  "GET /log/keys": {},
  "GET /log/checkpoint": {},
  "GET /log/proof": { path: "/log/proof?index=0&size=1" },
  "GET /log/consistency": { path: "/log/consistency?from=1&to=1" },
  "GET /review": {},
  "GET /review/{file}": { path: "/review/main.js" },
  "GET /metrics": {},
  "GET /admin/status": {},
  "POST /admin/halt": { body: {} },
  "POST /admin/resume": { body: {} },
  "POST /admin/revoke": { body: { iss: "me", jti: "j-1" } },
  "POST /admin/resolve": { body: { id: EXECUTION_ID, as: "failed", note: "looked" } },
  "POST /admin/prune": { body: {} },
  "POST /admin/backup": { body: { directory: "/backup" } },
  "POST /proposals": { body: { action: "echo" } },
  "GET /proposals": {},
  "GET /proposals/{id}": { path: `/proposals/${EXECUTION_ID}` },
  "DELETE /proposals/{id}": { path: `/proposals/${EXECUTION_ID}` },
  "POST /proposals/{id}/approvals": { path: `/proposals/${EXECUTION_ID}/approvals`, body: {} },
  "POST /proposals/{id}/hold": { path: `/proposals/${EXECUTION_ID}/hold`, body: {} },
  "POST /proposals/{id}/delivered": { path: `/proposals/${EXECUTION_ID}/delivered`, body: {} },
  "POST /proposals/{id}/decline": { path: `/proposals/${EXECUTION_ID}/decline`, body: {} },
  "GET /events": {},
};

test.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))(
  "%s answers in the shape that the table promises",
  async (name, route) => {
    const request = GOOD[name];
    expect(request).toBeDefined();
    const answer = await call(
      server.socketOf(route.roles.at(-1) ?? "agent"),
      route.method,
      request?.path ?? route.path,
      request?.body,
    );
    expect(answer.status).toBe(200);
    if (route.answer === null) expect(answer.headers["content-type"]).toMatch(/^text\//);
    else expect(v.safeParse(route.answer, answer.json).issues).toBeUndefined();
  },
);

test.each(ROUTES.map(({ path }) => [path, ROUTES.filter((other) => other.path === path)] as const))(
  "another method of %s is a 405 that names those it has",
  async (path, routes) => {
    const answer = await call(
      server.admin,
      "PUT",
      path.replace("{id}", "x").replace("{log_index}", "0"),
    );
    expect(answer.status).toBe(405);
    expect(answer.json.code).toBe("method_not_allowed");
    expect(answer.headers.allow).toBe(routes.map(({ method }) => method).join(", "));
  },
);

test("HEAD is a 405 without a body", async () => {
  const request = "HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const { answers, closed } = await rawExchange(server.agent, request, {
    bodyless: true,
    answers: 2,
  });
  expect(answers.map(({ status, headers }) => [status, headers.get("allow")])).toEqual([[
    405,
    "GET",
  ]]);
  expect(closed).toBe(true);
});

test("an agent socket serves no route of other roles, and does nothing", async () => {
  for (const { method, path, roles } of ROUTES) {
    if (roles.includes("agent")) continue;
    const answer = await call(server.agent, method, path, method === "POST" ? {} : undefined);
    const code = roles.includes("approver") ? "role_denied" : "admin_only";
    expect([answer.status, answer.json.code]).toEqual([403, code]);
  }
  expect(server.operator.acts).toEqual([]);
});

test("an operator's act reaches the operator with the peer who asked", async () => {
  await call(server.admin, "POST", "/admin/halt");
  await call(server.admin, "POST", "/admin/revoke", { iss: "me", jti: "j-1" });
  const peer = { uid: Deno.uid(), gid: Deno.gid(), pid: Deno.pid, socket: "admin.sock" };
  expect(server.operator.acts).toEqual([
    { act: "halt", peer, what: null },
    { act: "revoke", peer, what: { iss: "me", jti: "j-1" } },
  ]);
});

test.each([
  ["/admin/halt", { force: true }],
  ["/admin/revoke", { iss: "me" }],
  ["/admin/revoke", { iss: "me", jti: "j", more: 1 }],
  ["/admin/revoke", { iss: "m e", jti: "j" }],
  ["/admin/revoke", '{"iss":"me","jti":"a","jti":"b"}'],
  ["/admin/resolve", { id: "x", as: "failed", note: "n" }],
  ["/admin/resolve", { id: EXECUTION_ID, as: "crashed", note: "n" }],
  ["/admin/resolve", { id: EXECUTION_ID, as: "failed", note: "" }],
  ["/admin/backup", { directory: "relative" }],
  ["/admin/backup", { directory: "/a\0b" }],
  ["/admin/prune", "[]"],
])("%s refuses %j before anything is done", async (path, body) => {
  const answer = await call(server.admin, "POST", path, body);
  expect(answer.status).toBe(400);
  expect(server.operator.acts).toEqual([]);
});

test("a peer sees on an agent socket what its own uid asked for, and on an admin socket all", async () => {
  await server.close();
  server = await TestServer.start({ owner: (Deno.uid() ?? 0) + 1 });
  const paths = [`/executions/${EXECUTION_ID}`, "/executions?nonce=n-1", "/receipts/0"];
  for (const path of paths) {
    const hidden = await call(server.agent, "GET", path);
    expect([hidden.status, hidden.json.code]).toEqual([404, "execution_not_found"]);
    expect((await call(server.admin, "GET", path)).status).toBe(200);
  }
  expect((await call(server.agent, "GET", "/executions")).json.executions).toEqual([]);
  expect((await call(server.admin, "GET", "/executions")).json.executions).toHaveLength(1);
});

test("what is hidden and what does not exist are answered alike", async () => {
  await server.close();
  server = await TestServer.start({ owner: (Deno.uid() ?? 0) + 1 });
  const hidden = await call(server.agent, "GET", "/executions?nonce=n-1");
  const absent = await call(server.agent, "GET", "/executions?nonce=n-9");
  expect(hidden.json).toEqual(absent.json);
});

test("actions shows what this socket may ask for", async () => {
  await server.close();
  server = await TestServer.start({ agent: { actions: new Set(["echo"]) } });
  const names = async (socket: string) =>
    (await call(socket, "GET", "/actions")).json.actions.map(({ name }: { name: string }) => name);
  expect(await names(server.agent)).toEqual(["echo"]);
  expect(await names(server.admin)).toEqual(["add", "echo"]);
});

test("health and ready are 503 when no work can be done, and say so in the body as well", async () => {
  server.inspector.healthy = false;
  const health = await call(server.agent, "GET", "/health");
  const ready = await call(server.agent, "GET", "/ready");
  expect([health.status, health.json.status]).toEqual([503, "unhealthy"]);
  expect([ready.status, ready.json]).toEqual([503, { ready: false }]);
  expect(health.headers["retry-after"]).toBe("1");
});

test("a legacy receipt that does not fit is not valid", async () => {
  const answer = await call(server.agent, "POST", "/receipts/verify", {
    exec_id: "x",
    result: 1,
    receipt: "bad",
  });
  expect(answer.json).toEqual({ valid: false });
});

test.each(["x", EXECUTION_ID.toUpperCase(), `${EXECUTION_ID}0`, "a".repeat(4000)])(
  "%s is no id of an execution",
  async (id) => {
    const answer = await call(server.agent, "GET", `/executions/${id}`);
    expect([answer.status, answer.json.code]).toEqual([404, "execution_not_found"]);
    expect((await call(server.agent, "GET", `/executions?before=${id}`)).status).toBe(400);
  },
);

test("a nonce with a plus and a percent sign is found as it is", async () => {
  const answer = await call(server.agent, "GET", `/executions?nonce=${encodeURIComponent("a+%b")}`);
  expect([answer.status, answer.json.code]).toEqual([404, "execution_not_found"]);
});

test("a refusal of the engine becomes a problem with its status, its effect and its execution", async () => {
  const execution = executionView({ status: "timed_out" });
  server.engine.answer = { ok: false, code: "handler_timed_out", detail: "Too slow.", execution };
  const answer = await call(server.agent, "POST", "/execute", { action: "echo", nonce: "n" });
  expect(answer.status).toBe(504);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(v.safeParse(Problem, answer.json).issues).toBeUndefined();
  expect(answer.json).toMatchObject({
    type: "urn:openexec:error:handler_timed_out",
    status: 504,
    detail: "Too slow.",
    instance: "/execute",
    code: "handler_timed_out",
    effect: "unknown",
    retry: "never",
    execution: { status: "timed_out" },
  });
});

test("503 says when to come back", async () => {
  server.engine.answer = { ok: false, code: "executor_busy", detail: "Busy.", execution: null };
  const answer = await call(server.agent, "POST", "/execute", { action: "echo", nonce: "n" });
  expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "1"]);
});

test("the engine is told who asked, through which socket, and what the header fields say", async () => {
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await call(server.agent, "POST", "/execute?", { action: "echo" }, {
    "idempotency-key": '"n\\"1"',
    prefer: "respond-async, wait=7",
    traceparent: trace,
  });
  expect(server.engine.contexts).toEqual([{
    peer: { uid: Deno.uid(), gid: Deno.gid(), pid: Deno.pid, socket: "agent.sock" },
    socket: expect.objectContaining({ path: server.agent, role: "agent" }),
    receivedAtMs: 1_800_000_000_000,
    idempotencyKey: 'n"1',
    waitMs: 7000,
    traceparent: trace,
    meter: expect.objectContaining({ weigh: expect.any(Function) }),
    again: expect.any(Function),
  }]);
});

test("a bug is an internal_error that tells the peer nothing and the log everything", async () => {
  const bug = new Error("secret");
  server.inspector.service = () => {
    throw bug;
  };
  const answer = await call(server.agent, "GET", "/");
  expect([answer.status, answer.json.code]).toEqual([500, "internal_error"]);
  expect(answer.text).not.toContain("secret");
  expect(server.bugs).toEqual([bug]);
});

test("every exchange is observed by its route, never by its contents", async () => {
  await call(server.agent, "GET", `/executions/${EXECUTION_ID}`);
  await call(server.agent, "GET", "/secret-path");
  expect(server.events).toMatchObject([
    {
      route: "GET /executions/{id}",
      status: 200,
      code: null,
      peer: { uid: Deno.uid(), socket: "agent.sock" },
    },
    { route: null, status: 404, code: "route_not_found" },
  ]);
  expect(JSON.stringify(server.events)).not.toContain("secret");
});
