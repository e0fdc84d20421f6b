import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openexec } from "../recording_terminal.ts";

let folder: string;
beforeAll(async () => void (folder = await Deno.makeTempDir({ prefix: "openexec-cli-" })));
afterAll(() => Deno.remove(folder, { recursive: true }));

describe("openexec request", () => {
  test("reads the payload from the argument, a file or standard input", async () => {
    await Deno.writeTextFile(`${folder}/payload.json`, '{"n":1}');
    const runs = [
      await openexec(["request", "a", '{"n":1}']),
      await openexec(["request", "a", "@payload.json"], { cwd: folder }),
      await openexec(["request", "a", "-"], { input: '{"n":1}' }),
    ];
    for (const { out } of runs) {
      expect(JSON.parse(out)).toMatchObject({ action: "a", payload: { n: 1 } });
    }
    expect(new Set(runs.map(({ out }) => JSON.parse(out).nonce)).size).toBe(3);
    expect(JSON.parse((await openexec(["request", "a"])).out).payload).toEqual({});
  });

  test("takes the nonce that is given", async () => {
    expect(JSON.parse((await openexec(["request", "a", "--nonce", "n-7"])).out).nonce).toBe("n-7");
  });

  test.each([
    [["a", "{"], 2, "request_malformed"],
    [["a", '{"n":1,"n":2}'], 2, "payload_not_i_json"],
    [["a", "[]"], 2, "request_malformed"],
    [["two words"], 2, "request_malformed"],
    [["a", "@missing.json"], 2, "missing.json"],
    [[], 2, "action"],
  ])("refuses %j with %i", async (args, code, said) => {
    const run = await openexec(["request", ...args]);
    expect([run.code, run.out]).toEqual([code, ""]);
    expect(run.err).toContain(said);
  });
});
