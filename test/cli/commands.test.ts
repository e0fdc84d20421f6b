import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { Json } from "../../src/core/types.ts";
import { commandTree } from "../../src/cli/commands.ts";
import { systemContext } from "../../src/cli/context.ts";
import { OpenExecClient, OpenExecUnreachable, parseApproverKey } from "../../src/client/mod.ts";
import { FakeDaemon } from "../client/fake_daemon.ts";
import { openexec } from "./recording_terminal.ts";

let daemon: FakeDaemon;
let folder: string;
beforeAll(async () => void (folder = await Deno.makeTempDir({ prefix: "openexec-cli-" })));
afterAll(() => Deno.remove(folder, { recursive: true }));
beforeEach(async () => void (daemon = await FakeDaemon.start()));
afterEach(() => daemon[Symbol.asyncDispose]());

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
    const { Interrupted } = await import("../../src/cli/exit_code.ts");
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
    [["a", "{"], 1, "request_malformed"],
    [["a", '{"n":1,"n":2}'], 1, "payload_not_i_json"],
    [["a", "[]"], 1, "request_malformed"],
    [["two words"], 1, "request_malformed"],
    [["a", "@missing.json"], 2, "missing.json"],
    [[], 2, "action"],
  ])("refuses %j with %i", async (args, code, said) => {
    const run = await openexec(["request", ...args]);
    expect([run.code, run.out]).toEqual([code, ""]);
    expect(run.err).toContain(said);
  });
});

describe("openexec keygen", () => {
  test("writes a key that only its owner may read, and prints what the configuration wants", async () => {
    const file = `${folder}/new.key`;
    const { code, out } = await openexec(["keygen", file, "--json"]);
    expect(code).toBe(0);
    expect((Deno.statSync(file).mode ?? 0) & 0o777).toBe(0o600);
    const key = parseApproverKey(await Deno.readTextFile(file));
    expect(JSON.parse(out)).toMatchObject({
      keyid: key.keyid,
      public_key: expect.stringMatching(/^ed25519:/),
    });
    expect(out).not.toContain(JSON.parse(await Deno.readTextFile(file)).private_key);
  });

  test("leaves a file that exists as it is", async () => {
    await Deno.writeTextFile(`${folder}/old.key`, "precious");
    expect((await openexec(["keygen", `${folder}/old.key`])).code).toBe(2);
    expect(await Deno.readTextFile(`${folder}/old.key`)).toBe("precious");
  });
});

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

  test("the socket comes from --socket, else $OPENEXEC_SOCKET, else the configuration", async () => {
    const env = { OPENEXEC_SOCKET: daemon.socketPath };
    expect((await openexec(["actions"], { env })).code).toBe(0);
    expect((await openexec(["actions", "--socket", `${folder}/none`], { env })).code).toBe(3);
    await Deno.writeTextFile(
      `${folder}/openexec.toml`,
      `state_dir = "${folder}"\n[[sockets]]\npath = "${daemon.socketPath}"\n`,
    );
    expect((await openexec(["actions", "--config", `${folder}/openexec.toml`])).code).toBe(0);
    expect((await openexec(["actions", "--config", `${folder}/missing.toml`])).code).toBe(2);
  });
});

describe("an operator", () => {
  const execution = { id: "i", action: "a", status: "failed", approved: true, resolved: true };
  test.each<[string[], Json, Json, string]>([
    [["halt"], {}, { halted: true }, "halted"],
    [["resume"], {}, { halted: false }, "resumed"],
    [
      ["revoke", "alice", "j-1"],
      { iss: "alice", jti: "j-1" },
      { revoked: true },
      "revoked alice j-1",
    ],
    [
      ["resolve", "i", "--as", "failed", "--note", "seen"],
      { id: "i", as: "failed", note: "seen" },
      execution,
      "failed",
    ],
  ])("%j asks the admin socket once and says what came of it", async (argv, body, answer, said) => {
    const path = `/admin/${argv[0]}`;
    daemon.operatorAnswers.set(path, [answer]);
    const { code, out } = await openexec([...argv, ...here()]);
    expect([code, out]).toEqual([0, expect.stringContaining(said)]);
    expect(daemon.acts).toEqual([[path, body]]);
    JSON.parse((await openexec([...argv, "--json", ...here()])).out);
  });

  test("prunes with one request, and says what the daemon says", async () => {
    daemon.operatorAnswers.set("/admin/prune", [{ bodies: 3, buckets: 2, done: true }]);
    const { out } = await openexec(["prune", "--json", ...here()]);
    expect(JSON.parse(out)).toEqual({ bodies: 3, buckets: 2, done: true });
    expect(daemon.acts).toEqual([["/admin/prune", {}]]);
  });

  test("waits for a prune as long as it takes", async () => {
    daemon.mishaps.push("hang", "hang");
    const client = new OpenExecClient({ socketPath: daemon.socketPath, timeoutMs: 50 });
    const stop = new AbortController();
    let ended: unknown;
    const pruned = client.operator.prune({ signal: stop.signal }).catch((error) => ended = error);
    await expect(client.operator.halt()).rejects.toThrow(OpenExecUnreachable);
    expect(ended).toBe(undefined); // its limit would have been over before
    stop.abort("enough");
    expect(await pruned).toBe("enough");
    client.close();
  });

  test("is refused on an agent socket", async () => {
    const { code, err } = await openexec(["halt", ...here()]);
    expect([code, err]).toEqual([1, expect.stringContaining("admin_only")]);
  });

  test("never asks twice when the answer did not arrive", async () => {
    daemon.mishaps.push("reset");
    expect((await openexec(["halt", ...here()])).code).toBe(4);
    expect(daemon.received).toHaveLength(1);
  });

  test.each([[["resolve", "i", "--as", "maybe", "--note", "x"]], [[
    "resolve",
    "i",
    "--as",
    "failed",
  ]], [[
    "revoke",
    "a",
  ]]])(
    "%j is a usage error",
    async (argv) => expect((await openexec([...argv, ...here()])).code).toBe(2),
  );

  test("sees more in status than an agent does", async () => {
    daemon.operatorAnswers.set("/admin/status", [{
      ledger: { executions: 3 },
      attempts: [{ action: "echo", code: "succeeded", count: 7 }],
      stations: [{ station: "run", count: 4, mean_ms: 125 }],
      pruned_bodies: 9,
    }]);
    const shown = (await openexec(["status", ...here()])).out;
    expect(shown).toMatch(/ledger.executions +3/);
    expect(shown).toMatch(/echo +succeeded +7/);
    expect(shown).toMatch(/run +4 +125 ms/);
    expect(JSON.parse((await openexec(["status", "--json", ...here()])).out)).toMatchObject({
      attempts: [{ action: "echo", code: "succeeded", count: 7 }],
      stations: [{ station: "run", count: 4, mean_ms: 125 }],
      pruned_bodies: 9,
    });
  });
});

const names = (await commandTree(systemContext())).commands.map((command) => command.name());

describe("every command", () => {
  test.each(names)("%s has --help, and prints it with 0", async (name) => {
    const { code, out, err } = await openexec([name, "--help"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(`Usage: openexec ${name}`);
    expect(out).toContain("--json");
  });

  test.each([[["nonsense"]], [["list", "--nonsense"]], [["show"]], [["list", "--limit", "x"]], [[
    "serve",
    "--mode",
    "x",
  ]], [[]]])(
    "%j is a usage error, 2",
    async (argv) =>
      expect((await openexec([...argv, ...(argv[0] === "list" ? here() : [])])).code).toBe(2),
  );
});
