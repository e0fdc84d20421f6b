import { afterAll, beforeAll, expect, test } from "vitest";
import { rawExchange } from "../support/raw_http.ts";
import { TestServer } from "./fakes.ts";
import { malformedTable, TABLE_FILE } from "./malformed_table.ts";
import { MALFORMED_REQUESTS, type MalformedRequest, ODD_REQUESTS } from "./malformed_requests.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ limits: { headerMs: 2000, bodyMs: 1000 } });
});
afterAll(async () => {
  await server.close();
  report();
});

const outcomes = new Map<string, Map<string, number>>();

test("there are at least 150 of them, each of another kind", () => {
  expect(MALFORMED_REQUESTS.length).toBeGreaterThanOrEqual(150);
  expect(new Set(MALFORMED_REQUESTS.map(({ name }) => name)).size).toBe(MALFORMED_REQUESTS.length);
});

test("docs/malformed-requests.md says what is tested here", () => {
  expect(Deno.readTextFileSync(TABLE_FILE)).toBe(malformedTable());
});

for (const byteByByte of [false, true]) {
  const manner = byteByByte ? "byte by byte" : "whole";
  test.concurrent.each(MALFORMED_REQUESTS.map((request) => [request.name, request] as const))(
    `%s, sent ${manner}`,
    async (_name, request) => {
      const outcome = await outcomeOf(request, byteByByte);
      count(manner, outcome);
      expect(outcome).toBe(request.outcome);
    },
  );
}

test("none of them was executed, and none was a bug", () => {
  expect(server.engine.executed).toEqual([]);
  expect(server.bugs).toEqual([]);
});

for (const byteByByte of [false, true]) {
  test.each(ODD_REQUESTS.map((request) => [request.name, request] as const))(
    `%s, sent ${byteByByte ? "byte by byte" : "whole"}, is executed`,
    async (_name, request) => {
      server.engine.executed.length = 0;
      expect(await outcomeOf(request, byteByByte)).toBe(request.outcome);
      expect(server.engine.executed).toHaveLength(1);
    },
  );
}

async function outcomeOf(
  request: MalformedRequest,
  byteByByte: boolean,
): Promise<number | "closed"> {
  const { halfClose } = request;
  const { answers, closed } = await rawExchange(server.agent, request.bytes, {
    halfClose,
    byteByByte,
  });
  const [answer] = answers;
  if (answer === undefined) return closed ? "closed" : 0;
  if (answer.status !== 200 && answer.body !== "") {
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(JSON.parse(answer.body)).toMatchObject({ status: answer.status, effect: "none" });
  }
  return answer.status;
}

function count(manner: string, outcome: number | "closed"): void {
  const counts = outcomes.get(manner) ?? new Map<string, number>();
  outcomes.set(manner, counts.set(String(outcome), (counts.get(String(outcome)) ?? 0) + 1));
}

/** Printed for the person who runs the suite. */
function report(): void {
  const lines = [...outcomes].map(([manner, counts]) => {
    const cells = [...counts].sort().map(([outcome, times]) => `${outcome}: ${times}`);
    return `malformed requests sent ${manner}: ${cells.join(", ")}`;
  });
  Deno.stdout.writeSync(new TextEncoder().encode(`${lines.join("\n")}\n`));
}
