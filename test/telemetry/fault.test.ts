import { expect, test } from "vitest";
import { faultFields } from "../../src/telemetry/fault.ts";
import { redact } from "../../src/telemetry/redact.ts";

test("faultFields() says class, errno and where, and nothing of the message", () => {
  const secret = "4111-1111\n    at 4111 (injected)";
  const error = Object.assign(new RangeError(secret), { code: "ENOSPC" });
  const fields = redact({ ...faultFields(error) }, "engine");
  expect(fields).toMatchObject({ error: "RangeError", errno: "ENOSPC" });
  expect(JSON.stringify(fields)).not.toContain("4111");
  expect(JSON.stringify(fields["frames"])).toContain("fault.test.ts");
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
