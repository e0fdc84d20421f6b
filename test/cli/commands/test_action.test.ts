import { describe, expect, test } from "vitest";
import { openexec } from "../recording_terminal.ts";

const HANDLER = new URL("../handlers/double.ts", import.meta.url).pathname;

describe("openexec test-action", () => {
  const run = (payload: string, ...flags: string[]) =>
    openexec(["test-action", HANDLER, "--payload", payload, "--json", ...flags]);

  test("runs the handler and prints its result and what it says", async () => {
    const { code, out, err } = await run('{"n":21}');
    expect([code, JSON.parse(out)]).toEqual([0, { status: "succeeded", result: { twice: 42 } }]);
    expect(err).toContain("doubling");
  });

  test("ends with 1 when it fails, with the reason", async () => {
    const { code, out, err } = await run('{"n":-1}');
    expect([code, JSON.parse(out)]).toEqual([1, { status: "failed", code: "handler_failed" }]);
    expect(err).toContain("nothing negative");
  });

  test("checks the payload as the daemon would", async () => {
    const { code, out, err } = await run('{"n":"21"}');
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("payload_invalid");
  });

  test.each([
    ["--timeout", "soon"],
    ["--memory", "lots"],
    ["--secret", "nameless"],
    ["--allow-env", "*"],
    ["--allow-net", "*"],
    ["--allow-run", "sh"],
    ["--allow-read", "/nowhere/at/all"],
  ])(
    "takes %s %s for a usage error",
    async (...flags) => expect((await run('{"n":1}', ...flags)).code).toBe(2),
  );
});
