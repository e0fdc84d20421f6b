import { expect, test } from "vitest";
import { sendSignal, SIGKILL } from "../../src/os/process.ts";
import { openexecHere } from "../cli/recording_terminal.ts";
import { openexec } from "../support/daemon.ts";
import { shared, sharedStep } from "../support/shared.ts";
import { until } from "../support/until.ts";
import { type Approved, executorsOf, Held } from "./held.ts";

/** Answers that never came: the daemon was killed while it owed them. */
const lost = (answer: Promise<unknown>) => expect(answer).rejects.toThrow();

/** A daemon that was killed while three handlers ran. */
interface Killed extends AsyncDisposable {
  readonly held: Held;
  readonly left: Approved;
  readonly twice: Approved;
  /** Its executors at that time. */
  readonly executors: readonly number[];
}

const killed = shared(async (): Promise<Killed> => {
  const held = await Held.start();
  const left = held.approve("once", "left", "hold");
  const twice = held.approve("again", "twice", "hold");
  const spinning = held.approve("once", "spinning", "spin");
  const unanswered = [left, twice, spinning].map((each) => lost(held.send(each)));
  await Promise.all(["left", "twice", "spinning"].map((label) => held.started(label)));
  const executors = executorsOf(held.daemon.directory);
  await held.daemon.stop("SIGKILL");
  await Promise.all(unanswered);
  const end = () => held[Symbol.asyncDispose]();
  return { held, left, twice, executors, [Symbol.asyncDispose]: end };
});

/** With its successor. */
const scene = sharedStep(async () => {
  const { held } = await killed();
  await held.startAgain();
  return held;
});

test("no executor of a killed daemon outlives it, whatever its handler does", async () => {
  const { held, executors } = await killed();
  expect(executors.length).toBeGreaterThanOrEqual(3);
  await until(() => executorsOf(held.daemon.directory).length === 0);
});

test("what a killed daemon left running is unknown, with a receipt, until an operator says what came of it", async () => {
  const held = await scene();
  const { left: approved } = await killed();
  const replay = await held.send(approved);
  expect(replay.status).toBe(500);
  expect(replay.json).toMatchObject({
    code: "outcome_unknown",
    effect: "unknown",
    execution: { status: "outcome_unknown", replayed: true },
  });
  const { id, log_index: logIndex } = replay.json.execution;
  const receipt = await held.get(`/receipts/${logIndex}`);
  const verified = await openexecHere(held.daemon, ["verify", "--json", "-"], receipt.text);
  expect([verified.code, held.starts("left")]).toEqual([0, [id]]);

  const resolved = await openexecHere(held.daemon, [
    "resolve",
    id,
    "--as",
    "succeeded",
    "--note",
    "seen downstream",
  ]);
  expect(resolved.code).toBe(0);
  const after = await held.send(approved);
  expect(after.status).toBe(200);
  expect(after.json).toMatchObject({
    id,
    status: "succeeded",
    resolved: true,
    result: null,
    replayed: true,
  });
  expect(after.json.resolution_log_index).toBeGreaterThan(logIndex);
  const declared = await held.get(`/receipts/${after.json.resolution_log_index}`);
  expect((await openexecHere(held.daemon, ["verify", "-"], declared.text)).code).toBe(0);
  expect((await openexecHere(held.daemon, ["resolve", id, "--as", "failed", "--note", "no"])).code)
    .toBe(1);
  expect((await openexecHere(held.daemon, ["audit"])).code).toBe(0);
  expect(held.starts("left")).toHaveLength(1);
});

test("an action declared so runs again under the same idempotency key, and its request is answered", async () => {
  const held = await scene();
  const { twice: approved } = await killed();
  await held.started("twice", 2);
  expect((await held.send(approved)).json.code).toBe("execution_in_flight");
  held.letGo("twice");
  const answer = await held.send(approved, { prefer: "wait=30" });
  expect(answer.json).toMatchObject({
    status: "succeeded",
    replayed: true,
    result: { label: "twice" },
  });
  expect(held.starts("twice")).toEqual([answer.json.id, answer.json.id]);
});

test("a killed executor takes its own execution with it, no other, and the next one works", async () => {
  const held = await scene();
  // Nothing of `once` has run in this daemon, so no process of it waits.
  const other = held.send(held.approve("again", "other", "hold"));
  await held.started("other");
  const bystanders = executorsOf(held.daemon.directory);
  const doomed = held.send(held.approve("once", "doomed", "hold"));
  await held.started("doomed");
  for (const pid of executorsOf(held.daemon.directory)) {
    if (!bystanders.includes(pid)) Deno.kill(pid, "SIGKILL");
  }
  expect((await doomed).json).toMatchObject({
    code: "outcome_unknown",
    execution: { status: "outcome_unknown" },
  });
  const next = await held.sendUntilTaken(held.approve("once", "next", "end"));
  expect([next.status, next.json.status]).toEqual([200, "succeeded"]);
  held.letGo("other");
  expect((await other).json.status).toBe("succeeded");
  expect((await held.get("/ready")).status).toBe(200);
});

test("a stopped executor of a killed daemon is ended before its execution runs again", async () => {
  const held = await scene();
  const { directory } = held.daemon;
  const unanswered = lost(held.send(held.approve("again", "frozen", "hold")));
  await held.started("frozen");
  const frozen = executorsOf(directory);
  for (const pid of frozen) Deno.kill(pid, "SIGSTOP");
  await held.killAndStartAgain();
  await unanswered;
  const alive = executorsOf(directory);
  expect(frozen.filter((pid) => alive.includes(pid))).toEqual([]);
  await held.started("frozen", 2);
  held.letGo("frozen");
});

test("a client that hangs up changes nothing: its execution is settled and answered to whoever asks again", async () => {
  const held = await scene();
  const approved = held.approve("once", "orphan", "hold");
  const gone = await Deno.connect({ transport: "unix", path: held.daemon.socket });
  const body = JSON.stringify(approved);
  const head = `POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`;
  await gone.write(new TextEncoder().encode(head + body));
  await held.started("orphan");
  gone.close();
  held.letGo("orphan");
  const answer = await held.send(approved, { prefer: "wait=30" });
  expect(answer.json).toMatchObject({ status: "succeeded", replayed: true });
  expect(held.starts("orphan")).toHaveLength(1);
});

/** Two executions wait to run again: their daemon was halted and killed, and its successor too is halted. */
interface Waiting {
  readonly halted: Approved;
  /** A start between the two, in whose way something stood. */
  readonly failed: Awaited<ReturnType<typeof openexec>>;
}

const waiting = sharedStep(async (): Promise<Waiting> => {
  const held = await scene();
  const { directory, socket } = held.daemon;
  const halted = held.approve("again", "halted", "hold");
  const unanswered = [halted, held.approve("again", "waiting", "hold")].map((each) =>
    lost(held.send(each))
  );
  await Promise.all(["halted", "waiting"].map((label) => held.started(label)));
  expect((await openexecHere(held.daemon, ["halt"])).code).toBe(0);
  await held.daemon.stop("SIGKILL");
  await Promise.all(unanswered);
  Deno.removeSync(socket);
  Deno.mkdirSync(socket);
  const failed = await openexec({ directory, socket }, ["serve"]);
  Deno.removeSync(socket);
  await held.startAgain();
  return { halted, failed };
});

test("a halt holds what would run again after a restart, until it is lifted", async () => {
  const held = await scene();
  const { halted: approved } = await waiting();
  expect((await held.send(held.approve("again", "new", "end"))).json.code).toBe("halted");
  expect((await held.send(approved)).json.code).toBe("execution_in_flight");
  // what is to run again at once holds its slot from the start on
  expect((await held.get("/admin/status")).json.executors.running).toBe(0);
  const resumedAt = Date.now();
  expect((await openexecHere(held.daemon, ["resume"])).code).toBe(0);
  held.letGo("halted");
  const answer = await held.send(approved, { prefer: "wait=30" });
  expect(answer.json).toMatchObject({ status: "succeeded", replayed: true });
  const receipt = JSON.parse(atob(answer.json.attestation.payload));
  expect(Date.parse(receipt.started_at)).toBeGreaterThanOrEqual(resumedAt);
  expect(held.starts("halted")).toHaveLength(2);
});

test("a start that fails ends although something waits to run again", async () => {
  const held = await scene();
  expect((await waiting()).failed.code).toBe(2);
  expect((await openexecHere(held.daemon, ["resume"])).code).toBe(0);
  await held.started("waiting", 2);
  held.letGo("waiting");
});

test("reruns for which there is no slot wait for one, and lose it to no new request", async () => {
  const held = await scene();
  held.letGo("twice"); // it would keep the only slot, where no test before let it go
  const labels = ["a", "b", "c"];
  const approved = labels.map((label) => held.approve("again", label, "hold"));
  const unanswered = approved.map((each) => lost(held.send(each)));
  for (const label of labels) await held.started(label);
  await held.killAndStartAgain({ concurrency: 1 });
  await Promise.all(unanswered);
  for (const label of labels) held.letGo(label);
  let competing = true;
  const newcomers = (async () => {
    for (let i = 0; competing; i++) await held.send(held.approve("again", `new${i}`, "end"));
  })();
  await until(() => labels.every((label) => held.starts(label).length === 2));
  competing = false;
  await newcomers;
  for (const each of approved) {
    const answer = await held.send(each, { prefer: "wait=30" });
    expect(answer.json).toMatchObject({ status: "succeeded", replayed: true });
  }
});

test("an executor that is wedged is ended at its action's time limit, and the next one works", async () => {
  await using held = await Held.start({ actions: ["once"], timeout: "1s" });
  const wedged = held.send(held.approve("once", "wedged", "hold"));
  await held.started("wedged");
  for (const pid of executorsOf(held.daemon.directory)) Deno.kill(pid, "SIGSTOP");
  expect((await wedged).json).toMatchObject({
    status: 504,
    code: "handler_timed_out",
    execution: { status: "timed_out" },
  });
  // those that wait for the next run, and for the next payload, are as stuck
  for (const pid of executorsOf(held.daemon.directory)) sendSignal(pid, SIGKILL);
  const next = await held.sendUntilTaken(held.approve("once", "next", "end"));
  expect(next.json.status).toBe("succeeded");
  expect(held.starts("wedged")).toHaveLength(1);
});
