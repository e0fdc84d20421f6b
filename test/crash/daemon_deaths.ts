/**
 * The ways in which a crash campaign ends its daemon, all of them SIGKILL: at a moment drawn at random, before or after it
 * was ready; or, with strace(1), as one of its threads enters a system call of a durable step for the Nth time.
 */

import { join } from "node:path";
import { Daemon, type DaemonOptions } from "../support/daemon.ts";
import { type Call, callsOf, HAS_STRACE, straceTo } from "../support/strace.ts";

export interface Death {
  /** Where it was, in words. */
  readonly where: string;
  /** From its start until it was ready, where nobody traced it and it came that far. */
  readonly readyAfterMs: number | null;
}

/** How many answers it gives before a death at random, and how many a traced one may give before it comes to its step. */
const ANSWERS_MAX = 60;
const ANSWERS_TRACED_MAX = 120;
/** So that deaths do not keep to the moments after an answer. */
const MOMENT_MS_MAX = 20;
const STARTING_MS_MAX = 900;
/** Of the deaths at random, one in so many comes before it is ready. */
const EARLY_EVERY = 4;

/** A system call of a durable step, and how often one thread surely makes it within a second or two. */
interface Step {
  readonly call: string;
  readonly times: number;
  /** Only calls on the ledger's data file count. */
  readonly ofLedger?: true;
}

const STEPS: readonly Step[] = [
  { call: "fdatasync", times: 20, ofLedger: true },
  { call: "write", times: 300 },
  { call: "pwrite64", times: 30, ofLedger: true },
  { call: "sendto", times: 40 },
  { call: "unlink", times: 8 },
  { call: "writev", times: 20, ofLedger: true },
  { call: "write", times: 300 },
  { call: "fsync", times: 10 },
  { call: "rename", times: 5 },
];

/** Resolves when so many more answers were given. */
type Answered = (count: number) => Promise<void>;

/** Starts the daemon of that folder and sees it die, the `number`th time. Rejects when it does not start by itself. */
export async function liveAndDie(directory: string, number: number, answered: Answered): Promise<Death> {
  if (HAS_STRACE && number % 2 === 1) return await dieAtStep(directory, (number - 1) / 2, answered);
  return await dieAtRandom(directory, number / 2 % EARLY_EVERY === EARLY_EVERY - 1, answered);
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

async function dieAtStep(directory: string, number: number, answered: Answered): Promise<Death> {
  const { call, times, ofLedger } = STEPS[number % STEPS.length] ?? { call: "fdatasync", times: 1 };
  const trace = join(directory, "trace");
  const when = 1 + Math.floor(Math.random() * times);
  const options: DaemonOptions = {
    directory,
    wrapper: straceTo(
      trace,
      [call],
      ...["-s", "64", "-e", `inject=${call}:signal=KILL:when=${when}`],
      ...(ofLedger === true ? ["-P", join(directory, "state/ledger/data.mdb")] : []),
    ),
  };
  const daemon = Daemon.launch(options);
  const ended = daemon.process.status.then(() => false);
  const late = await Promise.race([ended, answered(ANSWERS_TRACED_MAX).then(() => true)]);
  const { signal } = await daemon.stop("SIGKILL");
  if (late) return { where: "at random, traced", readyAfterMs: null };
  if (signal !== "SIGKILL") return { where: "an executor, as the daemon started", readyAfterMs: null };
  const last = callsOf(Deno.readTextFileSync(trace)).findLast(({ result }) => result === "?");
  return { where: last === undefined ? `at ${call}` : stepOf(last), readyAfterMs: null };
}

/** What the call that it did not live to make would have done. */
function stepOf({ name, text }: Call): string {
  const [, behind = ""] = /^\d+<([^>]*)>/.exec(text) ?? [];
  if (behind.endsWith("data.mdb")) {
    if (name === "fdatasync") return "before a flush";
    return / 128, (40|4136)$/.test(text) ? "before a commit point" : "before data of a commit";
  }
  if (name === "sendto" && text.includes("HTTP/1.1")) return "before an answer";
  if (name === "write" && text.includes('\\"kind\\":\\"run\\"')) return "before a start message";
  if (name === "write" && text.includes("eventfd")) return "before a thread wakes another";
  if (/vault\/\d+\.key/.test(text)) return `before ${name} of a data key`;
  return /vault/.test(behind) ? "before a data key's name is flushed" : `before another ${name}`;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
