/** A payload that its action's schema does not take costs neither nonce nor approval. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { actionToml } from "../support/action_toml.ts";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { HANDLERS } from "../executor/pool_under_test.ts";

const alice = new Approver("alice");
let daemon: Daemon;

beforeAll(async () => {
  daemon = await Daemon.start({
    config: `executor_id = "openexec:test"
${alice.toml()}
${actionToml("payloads", `${HANDLERS}payloads.ts`)}
${actionToml("checks", `${HANDLERS}checks.ts`)}
[actions.echo]
module = "builtin:echo"
`,
  });
});

afterAll(() => daemon.close());

type Payload = Parameters<typeof request>[1];

/** Asks for it with an approval under these names. */
async function ask(action: string, payload: Payload, nonce: string, jti: string = randomUUID()) {
  const approved = alice.approve(request(action, payload, nonce), { jti });
  return (await call(daemon.socket, "POST", "/execute", approved)).json;
}

/** Sixty letters and a space: a pattern that goes through every division of the letters. */
const SLOW = { slow: `${"a".repeat(60)} ` };

test.each([
  ["does not fit", "payloads", { short: "\u{1F600}".repeat(6) }, {}, "payload_invalid"],
  ["takes a pattern for minutes", "payloads", SLOW, {}, "payload_invalid"],
  ["makes the schema throw", "checks", { do: "throw" }, { do: "nothing" }, "payload_invalid"],
  [
    "ends the schema's process",
    "checks",
    { do: "exit" },
    { do: "nothing" },
    "executor_unavailable",
  ],
])(
  "a payload that %s leaves nonce and approval for another",
  async (_, action, bad, good, code) => {
    const [nonce, jti] = [randomUUID(), randomUUID()];
    expect(await ask(action, bad, nonce, jti)).toMatchObject({ code, effect: "none" });
    expect(await ask(action, good, nonce, jti)).toMatchObject({
      status: "succeeded",
      replayed: false,
    });
  },
);

test("while a schema cannot decide, other actions are answered", async () => {
  let isDecided = false;
  const slow = ask("payloads", SLOW, randomUUID()).finally(() => isDecided = true);
  expect(await ask("echo", {}, randomUUID())).toMatchObject({ status: "succeeded" });
  expect((await call(daemon.socket, "GET", "/ready")).status).toBe(200);
  expect(isDecided).toBe(false);
  expect(await slow).toMatchObject({ code: "payload_invalid", effect: "none" });
});
