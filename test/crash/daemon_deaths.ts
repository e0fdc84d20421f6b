/**
 * The ways in which a crash campaign ends its daemon, all of them SIGKILL: at a moment drawn at random, before or after it
 * was ready; or, with strace(1), as one of its threads enters a system call of a durable step for the Nth time.
 */

import { join } from "node:path";
import { Daemon, type DaemonOptions } from "../support/daemon.ts";
import { acceptedSockets, unnamedSockets } from "../support/listening_sockets.ts";
import {
  type Call,
  callsOf,
  HAS_STRACE,
  MAY_TRACE,
  straceTo,
  traceRunning,
} from "../support/strace.ts";

export interface Death {
  /** Where it was, in words. */
  readonly where: string;
  /** From its start until it was ready, where nobody traced it and it came that far. */
  readonly readyAfterMs: number | null;
}

/** Resolves when so many more requests were answered. */
type Answered = (count: number) => Promise<void>;

/** How many answers it gives before a death at random, and how many a traced one may give before it comes to its step. */
const ANSWERS_MAX = 60;
const ANSWERS_TRACED_MAX = 120;
/** So that deaths do not keep to the moments after an answer. */
const MOMENT_MS_MAX = 20;
const STARTING_MS_MAX = 900;
/** Of the deaths, one in so many is at random. 15 deaths have each of the steps once. */
const RANDOM_EVERY = 3;
/** Of the deaths at random, one in so many comes before it is ready. */
const EARLY_EVERY = 4;

type Side = "executor" | "client";

/** A system call of a durable step, and how often one thread surely makes it within a second or two. */
interface Step {
  readonly call: string;
  readonly times: number;
  /** Which of these calls count: those on the ledger's data file, or on sockets to executors or clients. */
  readonly on?: "ledger" | Side;
}

const ALL_STEPS: readonly Step[] = [
  { call: "fdatasync", times: 20, on: "ledger" },
  { call: "write", times: 8, on: "executor" },
  { call: "pwrite64", times: 30, on: "ledger" },
  { call: "read", times: 8, on: "executor" },
  { call: "write", times: 8, on: "client" },
  { call: "unlink", times: 16 },
  { call: "writev", times: 20, on: "ledger" },
  { call: "fsync", times: 10 },
  { call: "write", times: 300 },
  { call: "rename", times: 5 },
];

/** Sockets are known only once they are there, and then the tracer has to be let in. */
const STEPS = ALL_STEPS.filter(({ on }) => MAY_TRACE || on === "ledger" || on === undefined);

/** Starts the daemon of that folder and sees it die, the `number`th time. Rejects when it does not start by itself. */
export async function liveAndDie(
  directory: string,
  number: number,
  answered: Answered,
): Promise<Death> {
  const round = Math.floor(number / RANDOM_EVERY);
  const turn = number % RANDOM_EVERY;
  const step = STEPS[(round * (RANDOM_EVERY - 1) + turn - 1) % STEPS.length];
  if (turn === 0 || !HAS_STRACE || step === undefined) {
    return await dieAtRandom(directory, round % EARLY_EVERY === EARLY_EVERY - 1, answered);
  }
  for (;;) {
    const death = await dieTraced(directory, step, answered);
    if (death !== "late") return death;
  }
}

/** "late": it had not come to that step for so long that it was ended. */
async function dieTraced(
  directory: string,
  step: Step,
  answered: Answered,
): Promise<Death | "late"> {
  const when = 1 + Math.floor(Math.random() * step.times);
  const inject = ["-e", `inject=${step.call}:signal=KILL:when=${when}`];
  if (step.on === "executor" || step.on === "client") {
    return await dieBeside(step.on, directory, step.call, inject, answered);
  }
  return await dieAtStep(directory, step, inject, answered);
}

async function dieAtRandom(directory: string, early: boolean, answered: Answered): Promise<Death> {
  const began = performance.now();
  const daemon = Daemon.launch({ directory });
  if (early) {
    await Promise.race([daemon.ready, sleep(Math.random() * STARTING_MS_MAX)]);
    await daemon.stop("SIGKILL");
    return { where: "at random, starting", readyAfterMs: null };
  }
  await daemon.ready;
  const readyAfterMs = performance.now() - began;
  await answered(Math.floor(Math.random() * ANSWERS_MAX));
  await sleep(Math.random() * MOMENT_MS_MAX);
  await daemon.stop("SIGKILL");
  return { where: "at random, working", readyAfterMs };
}

/** Traced from its first moment on. */
async function dieAtStep(
  directory: string,
  { call, on }: Step,
  inject: readonly string[],
  answered: Answered,
): Promise<Death | "late"> {
  const trace = join(directory, "trace");
  const only = on === "ledger" ? ["-P", join(directory, "state/ledger/data.mdb")] : [];
  const options: DaemonOptions = {
    directory,
    wrapper: straceTo(trace, [call], "-s", "64", ...inject, ...only),
  };
  const daemon = Daemon.launch(options);
  const signal = await endOf(daemon, answered);
  if (signal === "late") return "late";
  if (signal !== "SIGKILL") {
    return { where: "an executor, as the daemon started", readyAfterMs: null };
  }
  const last = callsOf(Deno.readTextFileSync(trace)).findLast(({ result }) => result === "?");
  return { where: last === undefined ? `at ${call}` : stepOf(last), readyAfterMs: null };
}

/**
 * Traced once it works: death comes as it would tell an executor to start, or read what one says, the outcome too, or answer
 * a client.
 */
async function dieBeside(
  side: Side,
  directory: string,
  call: string,
  inject: readonly string[],
  answered: Answered,
): Promise<Death | "late"> {
  const daemon = await Daemon.start({ directory });
  await answered(8);
  const inodes = side === "executor"
    ? unnamedSockets(daemon.pid)
    : acceptedSockets(daemon.pid, daemon.socket);
  const sockets = inodes.flatMap((inode) => ["-P", `socket:[${inode}]`]);
  const ended = endOf(daemon, answered);
  await using _trace = await traceRunning(daemon.pid, [
    "-e",
    `trace=${call}`,
    ...sockets,
    ...inject,
  ]);
  if (await ended === "late") return "late";
  if (side === "client") return { where: "before an answer", readyAfterMs: null };
  return {
    where: call === "write" ? "before a start message" : "before an executor is read",
    readyAfterMs: null,
  };
}

/** The signal that ended it by itself, or "late" when it had to be ended. */
async function endOf(daemon: Daemon, answered: Answered): Promise<Deno.Signal | "late" | null> {
  const ended = daemon.process.status.then(({ signal }) => signal);
  const signal = await Promise.race([
    ended,
    answered(ANSWERS_TRACED_MAX).then(() => "late" as const),
  ]);
  await daemon.stop("SIGKILL");
  return signal;
}

/** What the call that it did not live to make would have done. */
function stepOf({ name, text }: Call): string {
  const [, behind = ""] = /^\d+<([^>]*)>/.exec(text) ?? [];
  if (behind.endsWith("data.mdb")) {
    if (name === "fdatasync") return "before a flush";
    return / 128, (40|4136)$/.test(text) ? "before a commit point" : "before data of a commit";
  }
  if (name === "write" && text.includes("HTTP/1.1")) return "before an answer";
  if (name === "write" && text.includes('\\"kind\\":\\"run\\"')) return "before a start message";
  if (name === "write" && text.includes("eventfd")) return "before a thread wakes another";
  if (/vault\/\d+\.key\.draft/.test(text)) return `before ${name} of a new data key`;
  if (/vault\/\d+\.key/.test(text)) return `before ${name} of an expired data key`;
  if (/executors\/\d+/.test(text)) return `before ${name} of an executor's record`;
  return behind.endsWith("/vault")
    ? "before a data key's name is flushed"
    : `before another ${name}`;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
