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

  test("says what whoever asked would read of it", async () => {
    const { out } = await run('{"n":1001}');
    const reason = "too large\u202e";
    expect(JSON.parse(out)).toEqual({ status: "failed", code: "handler_failed", reason });
    const { err } = await openexec(["test-action", HANDLER, "--payload", '{"n":1001}']);
    expect(err).toContain("openexec: handler_failed: Handler failed: too large\\u202e\n");
  });

  test("sets in what else a handler's line holds, so that none passes for another", async () => {
    const forging = HANDLER.replace("double", "forging");
    const { err } = await openexec(["test-action", forging, "--payload", "{}"]);
    const lines = err.split("\n").filter((line) => !line.startsWith("    "));
    expect(lines[0]).toBe("handler: working handler_failed: nothing happened");
    expect(lines[1]).toBe("handler_failed: Error: no");
    expect(lines.slice(2).join("")).not.toContain("it succeeded");
  });

  test("checks the payload as the daemon would", async () => {
    const { code, out, err } = await run('{"n":"21"}');
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("payload_invalid");
  });

  test("ends with 2 for a file that is not there, and for a payload that is none", async () => {
    expect((await openexec(["test-action", "nope.ts", "--payload", "{}"])).code).toBe(2);
    expect((await run("not json")).code).toBe(2);
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
