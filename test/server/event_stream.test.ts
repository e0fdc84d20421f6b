import http from "node:http";
import { expect, test } from "vitest";
import { until } from "../support/until.ts";
import { TestServer } from "./fakes.ts";

test("a snapshot of any size arrives whole, and what follows it", async () => {
  await using server = await started();
  const told = { id: "0123456789abcdef", proposal: "p", status: "pending" as const };
  let later: (event: typeof told) => void = () => {};
  server.desk.views.follow = () => (send) => {
    for (let n = 0; n < 5_000; n++) send(told);
    later = send;
    return () => {};
  };
  let text = "";
  const request = http.get({ socketPath: server.agent, path: "/events" }, (answer) => {
    answer.setEncoding("utf8").on("data", (part) => text += part);
  });
  await until(() => text.split("event: proposal").length === 5_001);
  later({ ...told, id: "fedcba9876543210" });
  await until(() => text.includes("fedcba9876543210"));
  expect(text.startsWith(": ")).toBe(true);
  request.destroy();
});

async function started() {
  const server = await TestServer.start();
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() });
}
