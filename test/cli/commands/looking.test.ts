import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { signingKeyOf } from "../../../src/core/keys/ed25519.ts";
import { executionReceipt } from "../../../src/log/receipt.ts";
import { receiptEnvelope, signReceipt } from "../../../src/log/signed_receipt.ts";
import { FakeDaemon } from "../../client/fake_daemon.ts";
import { settledExecution } from "../../log/sample_log.ts";
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

  test("list says who asked for what and who approved it, and prints JSON lines with --json", async () => {
    const record = settledExecution(3);
    const envelope = receiptEnvelope(signReceipt(
      executionReceipt("openexec:fake", record, false),
      signingKeyOf(new Uint8Array(32).fill(9)),
    ));
    const { out: none } = await openexec(["list", ...here()]);
    expect(none).toBe("no executions\n");
    daemon.executions.set("n", {
      id: record.id,
      action: "echo",
      status: "succeeded",
      attestation: envelope,
      log_index: 12,
    });
    const { out } = await openexec(["list", ...here()]);
    const [first, second, third, ...rest] = out.split("\n");
    expect(first).toBe(`${record.id}  succeeded  echo`);
    expect(second).toMatch(/^ {2}\S+Z {2}log 12 {2}uid 1000, pid 4321, agent\.sock$/);
    expect(third).toBe(`  nonce ${record.nonce}  by rm`);
    expect(rest).toEqual([""]);
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const lines = (await openexec(["list", "--json", ...here()])).out.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).action)).toEqual(["echo"]);
  });

  test("list shows an execution that still runs", async () => {
    const id = "0190b1c0-0000-7000-8000-000000000001";
    daemon.executions.set("n", { id, action: "echo", status: "reserved", log_index: null });
    expect((await openexec(["list", ...here()])).out).toContain(
      `${id}  reserved  echo\n  2024-07-14T14:57:48Z  log -\n  nonce -  by -\n`,
    );
  });

  test("actions fit a terminal of 80 columns, digest and all", async () => {
    const { out } = await openexec(["actions", ...here()]);
    expect(out).toContain("echo  approvals 1\n  may reach");
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
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
