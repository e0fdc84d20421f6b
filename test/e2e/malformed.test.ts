/** A few of each kind of the hand-written malformed requests (docs/malformed-requests.md), at the real daemon. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { MALFORMED_REQUESTS } from "../server/malformed_requests.ts";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { rawExchange } from "../support/raw_http.ts";

/** Every so many: the list goes from one kind to the next. */
const EVERY = 7;
const CHOSEN = MALFORMED_REQUESTS.filter((_, index) => index % EVERY === 0);

const alice = new Approver("alice");
let daemon: Daemon;

beforeAll(async () => {
  daemon = await Daemon.start({
    config: (directory) =>
      `executor_id = "openexec:test"
${alice.toml()}
[limits]
request_bytes = 4096
header_timeout = "2s"
body_timeout = "1s"
[actions.echo]
module = "builtin:echo"
[[sockets]]
path = "${directory}/agent.sock"
[[sockets]]
path = "${directory}/admin.sock"
role = "admin"
`,
  });
});
afterAll(() => daemon.close());

test("there are at least 20 of them", () => {
  expect(CHOSEN.length).toBeGreaterThanOrEqual(20);
});

test.concurrent.each(CHOSEN.map((malformed) => [malformed.name, malformed] as const))(
  "%s is refused as it should be, and not hung on",
  async (_name, { bytes, halfClose, outcome }) => {
    const { answers: [answer], closed } = await rawExchange(daemon.socket, bytes, { halfClose });
    expect(answer?.status ?? (closed ? "closed" : "silence")).toBe(outcome);
  },
);

test("none of them is in the ledger, and the daemon serves on", async () => {
  const { json } = await call(`${daemon.directory}/admin.sock`, "GET", "/admin/status");
  expect(json).toMatchObject({
    status: "healthy",
    in_flight: 0,
    ledger: { executions: 0, logSize: 1 },
  });
  expect(daemon.output.filter((line) => line.includes("internal error"))).toEqual([]);
  const { status } = await call(
    daemon.socket,
    "POST",
    "/execute",
    alice.approve(request("echo", {})),
  );
  expect(status).toBe(200);
});
