/** What the real daemon lets be seen of its work: log lines, metrics, `openexec status`, and nothing of what was in it. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver, request } from "../support/approver.ts";
import { Daemon, OPENEXEC, openexec } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { childrenOf } from "../support/processes.ts";
import { rawExchange } from "../support/raw_http.ts";
import { readExposition } from "../telemetry/exposition.ts";

const alice = new Approver("alice");
const mallory = new Approver("mallory");
/** Stands in every payload, approval, secret and broken request below. */
const MARK = "marker4242";
const SECRET = `word-${MARK}`;
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;

let directory: string;
let daemon: Daemon;

beforeAll(async () => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-watching-" });
  Deno.mkdirSync(`${directory}/credentials`);
  Deno.writeTextFileSync(`${directory}/credentials/word`, SECRET);
  daemon = await start(directory);
});

afterAll(async () => {
  await daemon.close();
  Deno.removeSync(directory, { recursive: true });
});

function start(directory: string, wrapper: readonly string[] = []): Promise<Daemon> {
  return Daemon.start({
    directory,
    wrapper,
    env: { CREDENTIALS_DIRECTORY: `${directory}/credentials` },
    config: `executor_id = "openexec:test"
${alice.toml()}
[actions.echo]
module = "builtin:echo"
${actionToml("tell", handler("tell.ts"), 'isolation = "reuse"\nsecrets = ["word"]')}`,
  });
}

function execute(body: unknown, headers = {}) {
  return call(daemon.socket, "POST", "/execute", body, headers);
}

function tell(how: string) {
  return alice.approve(request("tell", { how, told: MARK }));
}

interface Line {
  readonly level: string;
  readonly part: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

function lines(): Line[] {
  return daemon.output.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

/** The lines of attempts that fit, once there is one. */
async function attempts(fields: Record<string, unknown>): Promise<Line[]> {
  const fit = () =>
    lines().filter((line) =>
      line.message === "attempt answered" &&
      Object.entries(fields).every(([name, value]) => line[name] === value)
    );
  await expect.poll(fit).not.toEqual([]);
  return fit();
}

test("an attempt is one line with its execution, trace, action, code, peer and durations", async () => {
  const { json } = await execute(tell("return"), { traceparent: TRACEPARENT });
  expect(await attempts({ execution: json.id })).toEqual([{
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    level: "info",
    part: "engine",
    message: "attempt answered",
    execution: json.id,
    trace: TRACE,
    action: "tell",
    status: "succeeded",
    uid: Deno.uid(),
    pid: Deno.pid,
    socket: "agent.sock",
    stations: Object.fromEntries(
      ["parse", "verify", "check", "reserve", "run", "settle"].map((
        station,
      ) => [station, expect.any(Number)]),
    ),
  }]);
  const failed = await execute(tell("throw"));
  expect(await attempts({ execution: failed.json.execution.id })).toMatchObject([
    { level: "warning", action: "tell", code: "handler_failed" },
  ]);
});

test("the caller's trace reaches the handler and the receipt", async () => {
  const { json } = await execute(tell("return"), { traceparent: TRACEPARENT });
  expect(json.result).toMatchObject({
    traceparent: TRACEPARENT,
    executionId: json.id,
    letters: SECRET.length,
  });
  const receipt = JSON.parse(Buffer.from(json.attestation.payload, "base64").toString());
  expect(receipt.trace_id).toBe(TRACE);
});

test("a replay and a refusal are lines as well", async () => {
  const approved = tell("return");
  const { json } = await execute(approved);
  await execute(approved);
  expect(await attempts({ execution: json.id, replayed: true })).toHaveLength(1);
  await execute({ ...request("echo", {}), action: "refused-here" });
  expect(await attempts({ action: "refused-here" })).toMatchObject([{ code: "action_unknown" }]);
});

test("no payload, result, approval or secret is in what the daemon prints, whatever goes wrong", async () => {
  const approved = tell("return");
  const envelope = approved.approval;
  const told = [MARK, SECRET, envelope.payload, envelope.signatures[0]?.sig ?? ""];
  await execute(approved);
  for (const how of ["throw", "reject", "no result"]) await execute(tell(how));
  const broken = [
    alice.approve(request("tell", { how: MARK, told: 1 })),
    mallory.approve(request("echo", { [MARK]: MARK })),
    { ...approved, payload: { [MARK]: MARK } },
    { ...approved, approval: { payload: MARK } },
    {
      ...approved,
      approval: { ...envelope, payload: Buffer.from(`{"${MARK}":`).toString("base64") },
    },
    { ...approved, [MARK]: MARK },
    `{"action":"echo","nonce":"n","payload":{"${MARK}":1,"${MARK}":2}}`,
    `{"action":"${MARK}`,
  ];
  for (const body of broken) expect((await execute(body)).status).toBeGreaterThanOrEqual(400);
  const heads = [
    `GET /${MARK}?${MARK}=${MARK} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\n${MARK}\r\n\r\n`,
    `${MARK}\r\n\r\n`,
    `POST /execute HTTP/1.1\r\nHost: x\r\ntraceparent: ${MARK}\r\nIdempotency-Key: ${MARK}\r\nContent-Length: 2\r\n\r\n{}`,
  ];
  for (const head of heads) {
    expect((await rawExchange(daemon.socket, head)).answers).toHaveLength(1);
  }
  await execute(request("the-last-of-them", {}));
  await attempts({ action: "the-last-of-them" });
  const printed = daemon.output.join("\n");
  expect(told.filter((text) => text === "" || printed.includes(text))).toEqual([]);
  const metrics = (await call(daemon.socket, "GET", "/metrics")).text;
  expect(told.filter((text) => metrics.includes(text))).toEqual([]);
});

const families = async () => readExposition((await call(daemon.socket, "GET", "/metrics")).text);

/** The value of a sample, 0 where there is none. */
async function metric(name: string, labels: Record<string, string> = {}): Promise<number> {
  const samples = [...(await families()).values()].flatMap((family) => family.samples);
  const found = samples.find((sample) =>
    sample.name === `openexec_${name}` &&
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
  );
  return found?.value ?? 0;
}

test("metrics are well-formed, and count what happens", async () => {
  const succeeded = () => metric("attempts_total", { action: "echo", code: "succeeded" });
  const reserved = () => metric("station_seconds_count", { station: "reserve" });
  const [attempted, passed, entries] = [
    await succeeded(),
    await reserved(),
    await metric("log_size"),
  ];
  await execute(alice.approve(request("echo", {})));
  expect([await succeeded(), await reserved()]).toEqual([attempted + 1, passed + 1]);
  expect(await metric("log_size")).toBeGreaterThan(entries);
  const present = new Set((await families()).keys());
  for (
    const name of [
      "build_info",
      "attempts_total",
      "station_seconds",
      "in_flight",
      "ledger_bytes",
      "log_size",
      "executor_restarts_total",
      "pruned_bodies_total",
      "oldest_unpruned_timestamp_seconds",
    ]
  ) expect(present).toContain(`openexec_${name}`);
});

test("actions that nobody registered are one series, however many are asked for", async () => {
  const series = async () => (await families()).get("openexec_attempts_total")?.samples.length ?? 0;
  await execute(request("nobody-registered-this", {}));
  const [before, others] = [await series(), await metric("attempts_total", { action: "other" })];
  for (let n = 0; n < 20; n++) await execute(request(`nobody-registered-${n}`, {}));
  expect(await series()).toBe(before);
  expect(await metric("attempts_total", { action: "other", code: "action_unknown" })).toBe(
    others + 20,
  );
});

test("an executor that dies is counted, and replaced", async () => {
  const restarts = await metric("executor_restarts_total");
  const [builtins = 0] = childrenOf(daemon.pid);
  Deno.kill(builtins, "SIGKILL");
  await expect.poll(() => metric("executor_restarts_total")).toBe(restarts + 1);
  await expect.poll(async () => (await execute(alice.approve(request("echo", {})))).status).toBe(
    200,
  );
});

test("openexec status shows the same to a person", async () => {
  const shown = await openexec(daemon, ["status"]);
  expect(shown.code).toBe(0);
  for (
    const words of [
      /^ready +true$/m,
      /^ledger\.logSize +\d+$/m,
      /^echo +succeeded +\d+$/m,
      /^settle +\d+ +[\d.]+ ms$/m,
    ]
  ) {
    expect(shown.stdout).toMatch(words);
  }
  const { stdout } = await openexec(daemon, ["status", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({
    executor_id: "openexec:test",
    ready: true,
    pruned_bodies: await metric("pruned_bodies_total"),
  });
});

test("openexec status --watch refreshes until it is interrupted", async () => {
  const watch = new Deno.Command(OPENEXEC, {
    args: [
      "status",
      "--watch",
      "--interval",
      "0.1",
      "--json",
      "--config",
      `${directory}/openexec.toml`,
    ],
    stdout: "piped",
  }).spawn();
  let text = "";
  for await (const part of watch.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.split("\n").length > 2) watch.kill("SIGINT");
  }
  expect(await watch.status).toMatchObject({ code: 0, signal: null });
  const refreshes = text.trim().split("\n").map((line) => JSON.parse(line));
  expect(refreshes.length).toBeGreaterThanOrEqual(2);
  expect(refreshes.every(({ ready }) => ready)).toBe(true);
});

test("on the journal's own stream, lines carry their priority", async () => {
  const ended = daemon;
  await ended.stop();
  const onJournal = [
    "sh",
    "-c",
    'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"',
    "sh",
  ];
  daemon = await start(directory, onJournal);
  await execute(alice.approve(request("echo", {})), { traceparent: TRACEPARENT });
  await execute(tell("throw"));
  await expect.poll(() => daemon.output.filter((line) => line.startsWith("<"))).toEqual(
    expect.arrayContaining([
      expect.stringMatching(
        new RegExp(
          `^<6>engine: attempt answered execution=\\S+ trace=${TRACE} action=echo status=succeeded `,
        ),
      ),
      expect.stringMatching(
        /^<4>engine: attempt answered execution=\S+ action=tell code=handler_failed /,
      ),
    ]),
  );
  expect(daemon.output.filter((line) => line.startsWith("{"))).toEqual([]);
});
