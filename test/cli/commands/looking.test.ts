import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FakeDaemon } from "../../client/fake_daemon.ts";
import { openexec } from "../recording_terminal.ts";

let daemon: FakeDaemon;
beforeEach(async () => void (daemon = await FakeDaemon.start()));
afterEach(() => daemon[Symbol.asyncDispose]());
let folder: string;
beforeAll(async () => void (folder = await Deno.makeTempDir({ prefix: "openexec-cli-" })));
afterAll(() => Deno.remove(folder, { recursive: true }));

const here = () => ["--socket", daemon.socketPath];
const REQUEST = '{"action":"echo","payload":{"msg":"hello"},"nonce":"n-1"}';

describe("looking", () => {
  test("show finds an execution by id and by nonce", async () => {
    const { id } = JSON.parse(
      (await openexec(["exec", "--json", ...here()], { input: REQUEST })).out,
    );
    for (const name of [id, "n-1"]) {
      expect(JSON.parse((await openexec(["show", name, ...here()])).out)).toMatchObject({ id });
    }
    const none = await openexec(["show", "never", ...here()]);
    expect([none.code, none.err]).toEqual([1, expect.stringContaining("execution_not_found")]);
  });

  test("list prints a table, and JSON lines with --json", async () => {
    await openexec(["exec", ...here()], { input: REQUEST });
    expect((await openexec(["list", ...here()])).out).toMatch(
      /^ID .*\n0190b1c0-.* echo +succeeded/,
    );
    const lines = (await openexec(["list", "--json", ...here()])).out.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).action)).toEqual(["echo"]);
  });

  test("actions and status show what the daemon says", async () => {
    expect((await openexec(["actions", ...here()])).out).toContain("echo");
    const status = await openexec(["status", ...here()]);
    expect([status.code, status.out]).toEqual([
      0,
      expect.stringMatching(/executor_id +openexec:fake/),
    ]);
    expect(JSON.parse((await openexec(["status", "--json", ...here()])).out)).toMatchObject({
      ready: true,
    });
  });

  test("status --watch goes on until it is interrupted", async () => {
    const stop = new AbortController();
    const run = openexec(["status", "--watch", "--interval", "0.1", ...here()], {
      signal: stop.signal,
    });
    await expect.poll(() => daemon.received.filter(({ path }) => path === "/").length)
      .toBeGreaterThan(2);
    stop.abort();
    expect((await run).code).toBe(0);
  });

  test("show adds the proof that the log holds the receipt", async () => {
    await openexec(["exec", ...here()], { input: REQUEST });
    expect(JSON.parse((await openexec(["show", "n-1", ...here()])).out).tlog_proof).toBe("a proof");
  });

  test("checkpoint prints the checkpoint byte for byte", async () => {
    expect((await openexec(["checkpoint", ...here()])).out).toMatch(
      /^openexec:fake\/log\n1\nroot\n\n— signature\n$/,
    );
  });

  test("checkpoint lets nothing of another's text move the cursor, and a pipe have it as it is", async () => {
    const text = "openexec:fake/log\n1\nroot\n\n— \u001b[2Ksignature\n";
    daemon.mishaps.push({ answer: text }, { answer: text });
    const shown = await openexec(["checkpoint", ...here()], { onTerminal: true });
    expect(shown.out).toBe(text.replace("\u001b", "\\u001b"));
    expect((await openexec(["checkpoint", ...here()])).out).toBe(text);
  });

  test.each([["list"], ["actions"], ["status"], ["checkpoint"], ["halt"], ["show", "x"]])(
    "%s ends with 3 when nobody answers",
    async (...args) =>
      expect((await openexec([...args, "--socket", `${folder}/none`])).code).toBe(3),
  );
});
