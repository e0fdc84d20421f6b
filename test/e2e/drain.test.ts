import { expect, test } from "vitest";
import { openexecHere } from "../cli/recording_terminal.ts";
import { Daemon, openexec } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { shared, sharedStep } from "../support/shared.ts";
import { endAtOnce } from "../support/signals.ts";
import { until } from "../support/until.ts";
import { type Approved, executorsOf, Held } from "./held.ts";

/** What a daemon came to that could not end what ran within limits.drain. */
interface Cut {
  readonly approved: readonly Approved[];
  readonly code: number;
  readonly executors: readonly number[];
  readonly audited: { readonly entries: number; readonly ok: boolean };
}

const first = shared(() => Held.start({ tables: '[limits]\ndrain = "300ms"' }));

const cut = sharedStep(async (): Promise<Cut> => {
  const held = await first();
  const approved = [
    held.approve("once", "endless", "spin"),
    held.approve("again", "again", "hold"),
  ];
  const answers = approved.map((each) => held.send(each).catch(() => null));
  await Promise.all([held.started("endless"), held.started("again")]);
  const { code } = await held.daemon.stop("SIGTERM");
  await Promise.all(answers);
  const executors = executorsOf(held.daemon.directory);
  const { stdout } = await openexecHere(held.daemon, ["audit", "--json"]);
  return { approved, code, executors, audited: JSON.parse(stdout) };
});

/** Its successor, which gives what runs the usual time. */
const scene = sharedStep(async () => {
  await cut();
  const held = await first();
  await held.startAgain({});
  return held;
});

/** Resolves when it answers that it drains: the signal has arrived. It may close a connection while we ask on it. */
async function draining(held: Held): Promise<void> {
  await until(async () => (await held.get("/ready").catch(() => null))?.status === 503);
}

test("what does not end within limits.drain is unknown before the daemon ends, with 0", async () => {
  const { approved, code, executors, audited: { entries, ok } } = await cut();
  expect(code).toBe(0);
  expect(executors).toEqual([]);
  const held = await scene();
  for (const each of approved) {
    expect((await held.send(each)).json).toMatchObject({
      code: "outcome_unknown",
      effect: "unknown",
    });
  }
  const checkpoint = await held.get("/log/checkpoint");
  expect([ok, checkpoint.text.split("\n")[1]]).toEqual([true, String(entries)]);
  expect([held.starts("endless").length, held.starts("again").length]).toEqual([1, 1]);
});

test("SIGTERM: what runs may end and is answered, new work is refused, and the daemon ends with 0", async () => {
  const held = await scene();
  const before = held.approve("once", "before", "end");
  await held.send(before);
  const running = held.send(held.approve("once", "running", "hold"));
  await held.started("running");
  const ended = held.daemon.stop("SIGTERM");
  await draining(held);
  expect((await held.send(held.approve("once", "late", "end"))).json).toMatchObject({
    status: 503,
    code: "draining",
    effect: "none",
  });
  expect((await held.get("/health")).json.refusing).toEqual(["draining"]);
  expect((await held.send(before)).json).toMatchObject({ status: "succeeded", replayed: true });
  held.letGo("running");
  expect((await running).json.status).toBe("succeeded");
  expect((await ended).code).toBe(0);
  expect(executorsOf(held.daemon.directory)).toEqual([]);
  expect(() => Deno.statSync(held.daemon.socket)).toThrow(Deno.errors.NotFound);
  await held.startAgain();
  expect(held.starts("late")).toEqual([]);
  expect((await held.send(held.approve("once", "late", "end"))).json.status).toBe("succeeded");
  expect((await openexecHere(held.daemon, ["audit"])).code).toBe(0);
});

test("a second SIGTERM ends the daemon at once, and the next one settles what it left", async () => {
  const held = await scene();
  const approved = held.approve("once", "left", "spin");
  const unanswered = held.send(approved).catch(() => null);
  await held.started("left");
  held.daemon.process.kill("SIGTERM");
  await draining(held);
  expect((await endAtOnce(held.daemon.process)).success).toBe(false);
  await unanswered;
  await held.startAgain();
  expect((await held.send(approved)).json).toMatchObject({ code: "outcome_unknown" });
  expect((await openexecHere(held.daemon, ["audit"])).code).toBe(0);
});

test("halt refuses new work at once and over a restart, answers replays, lets run what runs; resume lifts it", async () => {
  const held = await scene();
  const done = held.approve("once", "done", "end");
  const { id } = (await held.send(done)).json;
  const running = held.send(held.approve("once", "halted", "hold"));
  await held.started("halted");
  expect((await openexecHere(held.daemon, ["halt"])).code).toBe(0);
  const refused = held.approve("once", "refused", "end");
  expect((await held.send(refused)).json).toMatchObject({
    status: 503,
    code: "halted",
    retry: "same_request",
  });
  expect([(await held.get("/ready")).status, (await held.get("/health")).json.refusing]).toEqual([
    503,
    [
      "halted",
    ],
  ]);
  expect((await held.send(done)).json).toMatchObject({ id, replayed: true });
  held.letGo("halted");
  expect((await running).json.status).toBe("succeeded");

  await held.killAndStartAgain();
  expect((await held.send(refused)).json.code).toBe("halted");
  expect((await held.send(done)).json).toMatchObject({ id, replayed: true });
  expect((await openexecHere(held.daemon, ["resume"])).code).toBe(0);
  expect((await held.get("/ready")).status).toBe(200);
  expect((await held.send(refused)).json.status).toBe("succeeded");
  expect(held.starts("refused")).toHaveLength(1);
});

test("a second daemon on the same state is refused with the pid of the first, and disturbs nothing", async () => {
  const held = await scene();
  const running = held.send(held.approve("once", "first", "hold"));
  await held.started("first");
  const second = await openexec(held.daemon, [
    "serve",
    "--socket",
    `${held.daemon.directory}/other.sock`,
  ]);
  expect(second.code).toBe(2);
  expect(second.stderr).toContain(`process ${held.daemon.pid}`);
  held.letGo("first");
  expect((await running).json.status).toBe("succeeded");
});

test("a rerun that waits for a slot as its daemon drains is left to the next one", async () => {
  const held = await scene();
  const labels = ["one", "another"];
  const approved = labels.map((label) => held.approve("again", label, "hold"));
  const unanswered = approved.map((each) => held.send(each).catch(() => null));
  await Promise.all(labels.map((label) => held.started(label)));
  await held.killAndStartAgain({ concurrency: 1 });
  await Promise.all(unanswered);
  await until(() => labels.some((label) => held.starts(label).length === 2));
  const ended = held.daemon.stop("SIGTERM");
  // before the slot is free; a connection that was not used yet may be closed instead of answered
  await until(async () => (await held.get("/ready").catch(() => null))?.status !== 200);
  for (const label of labels) if (held.starts(label).length === 2) held.letGo(label);
  expect((await ended).code).toBe(0);
  for (const label of labels) held.letGo(label);
  await held.startAgain();
  for (const each of approved) {
    expect((await held.send(each, { prefer: "wait=30" })).json).toMatchObject({
      status: "succeeded",
    });
  }
  for (const label of labels) expect(new Set(held.starts(label)).size).toBe(1);
});

test("SIGTERM ends a daemon whose log nobody reads any more", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "openexec-test-" });
  const fifo = `${folder}/log`;
  await run("mkfifo", fifo);
  using _reader = Deno.openSync(fifo, { read: true, write: true });
  await run("sh", "-c", `dd if=/dev/zero of=${fifo} bs=4096 oflag=nonblock 2>/dev/null || true`);
  const daemon = await Daemon.start({ wrapper: ["sh", "-c", `exec "$@" 2>${fifo}`, "sh"] });
  try {
    // a line for the log, which then waits for its reader
    expect((await call(daemon.socket, "POST", "/execute", {})).json.code).toBe("request_malformed");
    expect(await daemon.stop("SIGTERM")).toMatchObject({ code: 0, signal: null });
  } finally {
    await daemon.close();
    Deno.removeSync(folder, { recursive: true });
  }
});

async function run(program: string, ...args: string[]): Promise<void> {
  expect((await new Deno.Command(program, { args }).output()).code).toBe(0);
}
