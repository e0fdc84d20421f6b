import fc from "fast-check";
import { expect, test } from "vitest";
import { CONFIG_PART, faultFields, HANDLER_PART, redact } from "../../src/telemetry/redact.ts";

const GOOD = {
  execution: "0190a8b4-7c11-7abc-8def-0123456789ab",
  trace: "0af7651916cd43dd8448eb211c80319c",
  action: "charge_card",
  code: "approval_expired",
  status: "succeeded",
  replayed: true,
  stations: { parse: 12, run: 30000 },
  route: "GET /executions/{id}",
  http_status: 200,
  duration_ms: 1.25,
  uid: 1000,
  pid: 4711,
  socket: "agent.sock",
  count: 3,
  signal: "SIGTERM",
  error: "TypeError",
  errno: "ENOSPC",
  frames: ["at file:///src/x.ts:1:2"],
};

test("redact() keeps every field whose value has its shape", () => {
  expect(redact(GOOD, "engine")).toEqual(GOOD);
});

test.each([
  "payload",
  "approval",
  "secret",
  "nonce",
  "result",
  "message",
  "detail",
  "toString",
  "__proto__",
])(
  "redact() drops a field called %s",
  (name) => {
    expect(redact(Object.fromEntries([[name, "x"]]), "engine")).toEqual({});
  },
);

const SECRET = 's3cr3t-4242 {"card":"4111"}';

test.each(Object.keys(GOOD))("redact() drops %s when it holds something else", (name) => {
  for (
    const value of [
      SECRET,
      { card: SECRET },
      [{ card: SECRET }],
      `${SECRET}\n`,
      null,
      undefined,
      NaN,
    ]
  ) {
    expect(redact({ [name]: value }, HANDLER_PART)).toEqual({});
  }
});

test("redact() lets no value of an unlisted field through, however deep", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (properties) => {
    const kept = redact(properties, "engine");
    for (const name of Object.keys(kept)) expect(Object.keys(GOOD)).toContain(name);
    expect(
      JSON.stringify(
        redact({ ...properties, payload: SECRET, stations: { run: SECRET } }, "engine"),
      ),
    )
      .not
      .toContain("4242");
  }));
});

test("redact() keeps free text only on a handler's own lines, and only one line of it", () => {
  expect(redact({ line: SECRET }, HANDLER_PART)).toEqual({ line: SECRET });
  expect(redact({ line: SECRET }, "executor")).toEqual({});
  expect(redact({ line: `${SECRET}\n` }, HANDLER_PART)).toEqual({});
  expect(redact({ line: "\x1b[2J" }, HANDLER_PART)).toEqual({});
});

test("redact() keeps what is wrong with the configuration only on lines about it", () => {
  expect(redact({ problem: "/etc/x.toml:3: mode: expected" }, CONFIG_PART)).toEqual({
    problem: "/etc/x.toml:3: mode: expected",
  });
  expect(redact({ problem: SECRET }, "engine")).toEqual({});
  expect(redact({ problem: "\x1b[2J" }, CONFIG_PART)).toEqual({});
});

test("faultFields() says class, errno and where, and nothing of the message", () => {
  const secret = "4111-1111\n    at 4111 (injected)";
  const error = Object.assign(new RangeError(secret), { code: "ENOSPC" });
  const fields = redact({ ...faultFields(error) }, "engine");
  expect(fields).toMatchObject({ error: "RangeError", errno: "ENOSPC" });
  expect(JSON.stringify(fields)).not.toContain("4111");
  expect(JSON.stringify(fields["frames"])).toContain("redact.test.ts");
});

test.each([["text", "string"], [undefined, "undefined"], [{ payload: 1 }, "object"]])(
  "faultFields() says of %o, which is no error, only its type",
  (thrown, type) => {
    expect(faultFields(thrown)).toEqual({ error: type });
  },
);

test("faultFields() says nothing of a stack that does not hold the message", () => {
  const error = new Error("x");
  error.stack = "    at 4111 (forged)";
  error.message = "y";
  expect(faultFields(error).frames).toEqual([]);
});
