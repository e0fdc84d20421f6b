import { afterEach, beforeEach, expect, test } from "vitest";
import { rawExchange } from "../support/raw_http.ts";
import { TestServer } from "./fakes.ts";

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start();
});
afterEach(() => server.close());

test("answers GET / on a connection that stays open", async () => {
  const { answers, closed } = await rawExchange(server.agent, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(answers[0]?.status).toBe(200);
  expect(JSON.parse(answers[0]?.body ?? "")).toMatchObject({ executor_id: "openexec:test" });
  expect(closed).toBe(false);
});
