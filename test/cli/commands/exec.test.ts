import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ErrorCode } from "../../../src/core/errors.ts";
import { Interrupted } from "../../../src/cli/exit_code.ts";
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

describe("openexec exec", () => {
  test("prints the outcome, one line with --json and laid out without, the same either way", async () => {
    const short = await openexec(["exec", "--json", ...here()], { input: REQUEST });
    expect(short.code).toBe(0);
    expect(short.out.trim().split("\n")).toHaveLength(1);
    const long = await openexec(["exec", ...here(), "-"], { input: REQUEST });
    expect(JSON.parse(long.out)).toEqual({ ...JSON.parse(short.out), replayed: true });
  });

  test("shows a terminal the outcome, and no base64 around it", async () => {
    const { out, err } = await openexec(["exec", ...here()], { input: REQUEST, onTerminal: true });
    expect(Object.keys(JSON.parse(out))).not.toContain("attestation");
    expect(JSON.parse(out)).toMatchObject({ status: "succeeded", result: { msg: "hello" } });
    expect(err).toContain(`openexec show ${JSON.parse(out).id} > receipt.json`);
  });

  test("sends what approve printed, from a file as well", async () => {
    await Deno.writeTextFile(`${folder}/request.json`, REQUEST);
    expect((await openexec(["exec", ...here(), "request.json"], { cwd: folder })).code).toBe(0);
    expect(JSON.parse(daemon.received[0]?.body ?? "")).toEqual(JSON.parse(REQUEST));
  });

  const refused: [ErrorCode, number][] = [
    ["approval_missing", 1],
    ["payload_invalid", 1],
    ["handler_failed", 1],
    ["handler_timed_out", 1],
    ["nonce_reused", 1],
    ["outcome_unknown", 4],
  ];
  test.each(refused)(
    "ends %s with %i, its code and what to do on standard error",
    async (problem, code) => {
      daemon.mishaps.push({ problem });
      const run = await openexec(["exec", ...here()], { input: REQUEST });
      expect([run.code, run.out]).toEqual([code, ""]);
      expect(run.err).toContain(`${problem}: scripted\n  `);
    },
  );

  test.each<[ErrorCode, number]>([["halted", 1], ["execution_in_flight", 4], [
    "internal_error",
    4,
  ]])(
    "ends %s with %i once it has tried often enough",
    async (problem, code) => {
      daemon.mishaps.push(...Array.from({ length: 5 }, () => ({ problem })));
      expect((await openexec(["exec", ...here()], { input: REQUEST })).code).toBe(code);
    },
  );

  test("prints the execution of an unhappy outcome as well", async () => {
    const execution = {
      id: "0190b1c0-0000-7000-8000-000000000001",
      action: "echo",
      status: "failed",
    };
    daemon.mishaps.push({ problem: "handler_failed", execution });
    const { code, out } = await openexec(["exec", "--json", ...here()], { input: REQUEST });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject(execution);
  });

  test.each(["not json", "[]", "{}", '{"action":"echo"}', '{"action":"a","action":"b"}'])(
    "ends with 2 for %j, which is no request, and sends nothing",
    async (input) => {
      expect((await openexec(["exec", ...here()], { input })).code).toBe(2);
      expect(daemon.received).toEqual([]);
    },
  );

  test("tells errors as JSON with --json", async () => {
    daemon.mishaps.push({ problem: "approval_expired" });
    const { err } = await openexec(["exec", "--json", ...here()], { input: REQUEST });
    expect(JSON.parse(err)).toMatchObject({
      code: "approval_expired",
      effect: "none",
      retry: "new_approval",
    });
  });

  test("ends with 3 when nobody answers, and 4 when the answer did not arrive", async () => {
    const nobody = await openexec(["exec", "--socket", `${folder}/none.sock`], { input: REQUEST });
    expect(nobody.code).toBe(3);
    daemon.mishaps.push("reset", "reset", "reset", "reset", "reset");
    expect((await openexec(["exec", ...here()], { input: REQUEST })).code).toBe(4);
  });

  test("ends with 4 when it is interrupted while the request is under way", async () => {
    daemon.mishaps.push("hang");
    const stop = new AbortController();
    const run = openexec(["exec", ...here()], { input: REQUEST, signal: stop.signal });
    await expect.poll(() => daemon.received.length).toBe(1);
    stop.abort(new Interrupted());
    expect((await run).code).toBe(4);
  });
});

describe("the pipe", () => {
  test("request | approve --yes | exec runs", async () => {
    await openexec(["keygen", `${folder}/approver.key`, "--name", "alice"]);
    const made = await openexec(["request", "echo", '{"msg":"hello"}']);
    const flags = ["--key", `${folder}/approver.key`, "--yes", "-"];
    const approved = await openexec(["approve", ...here(), ...flags], { input: made.out });
    const ran = await openexec(["exec", ...here(), "-", "--json"], { input: approved.out });
    expect([made.code, approved.code, ran.code]).toEqual([0, 0, 0]);
    expect(JSON.parse(ran.out)).toMatchObject({ status: "succeeded", result: { msg: "hello" } });
  });
});
