/**
 * What a commit writes: pages of the data file, and places of it. A place is a run of pages that
 * lie beside each other, and places are what a disk charges for. Commits are made one at a time on
 * a filled ledger, and counted by strace(1). The page that is LMDB's commit point is not counted.
 * Then such commits are timed, without strace.
 */

import { machineClock } from "../src/os/process.ts";
import { callsOf } from "../test/support/strace.ts";
import { fill } from "./fill.ts";
import { summaryOf } from "./latencies.ts";
import type { Table } from "./table.ts";

const CHILD = new URL("pages_child.ts", import.meta.url).pathname;
const PAGE_BYTES = 4096;
const TRACED = 500;
const TIMED = [[1, 500], [16, 4_000]] as const;
const CALLS = ["write", "pwrite64", "lseek", "writev", "pwritev"];

/** The part of the data file that one call wrote. */
interface Written {
  readonly at: number;
  readonly bytes: number;
}

/** `size` executions are there before anything is counted. */
export async function pages(size: number, table: Table): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "openexec-bench-" });
  const stateDir = `${directory}/state`;
  await fill(stateDir, machineClock, { from: 0, to: size });
  const trace = `${directory}/trace`;
  await run(stateDir, size, TRACED, 1, trace);
  for (const [name, commits] of commitsIn(await Deno.readTextFile(trace))) {
    const each = commits.map((commit) =>
      commit.reduce((sum, { bytes }) => sum + bytes / PAGE_BYTES, 0)
    );
    const counted = summaryOf(each);
    const places = summaryOf(commits.map(placesOf));
    table.add("pages", `${name}, of ${size}`, {
      pages: counted.p50,
      pagesMean: each.reduce((sum, pages) => sum + pages, 0) / each.length,
      pagesMax: counted.max,
      places: places.p50,
      placesMax: places.max,
    });
  }
  let from = size + TRACED;
  for (const [callers, count] of TIMED) {
    const output = await run(stateDir, from, count, callers);
    from += count;
    for (const [name, taken] of timesIn(output)) {
      const { p50, p99, max } = summaryOf(taken);
      table.add("pages", `${name}, callers: ${callers}`, { p50, p99, max });
    }
  }
  await Deno.remove(directory, { recursive: true });
}

async function run(
  stateDir: string,
  first: number,
  count: number,
  callers: number,
  trace?: string,
): Promise<string> {
  const child = [
    Deno.execPath(),
    "run",
    "-A",
    CHILD,
    stateDir,
    ...[first, count, callers].map(String),
  ];
  const tracer = ["strace", "-f", "-y", "-s", "16", "-o", trace ?? "", "-e", `trace=${CALLS}`];
  const [command = "", ...args] = trace === undefined ? child : [...tracer, ...child];
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** What each reservation and each settlement wrote: it lies between two lines of the child. */
function commitsIn(trace: string): Map<string, Written[][]> {
  const commits = new Map<string, Written[][]>();
  let written: Written[] = [];
  let at = 0;
  for (const { name, text, result } of callsOf(trace)) {
    const said = name === "write"
      ? /^1<.*"(begun|reservation|settlement)/.exec(text)?.[1]
      : undefined;
    if (said !== undefined) {
      if (said !== "begun") commits.set(said, [...commits.get(said) ?? [], written]);
      written = [];
    } else if (!text.includes("/data.mdb>")) continue;
    else if (name === "lseek") at = Number(result);
    else if (Number(result) >= PAGE_BYTES) {
      const offset = name === "writev" ? at : Number(/, (\d+)$/.exec(text)?.[1]);
      written.push({ at: offset, bytes: Number(result) });
    }
  }
  return commits;
}

function placesOf(commit: readonly Written[]): number {
  const ends = new Set(commit.map(({ at, bytes }) => at + bytes));
  return commit.filter(({ at }) => !ends.has(at)).length;
}

function timesIn(output: string): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const line of output.split("\n")) {
    const [name = "", taken] = line.split(" ");
    if (taken !== undefined) times.set(name, [...times.get(name) ?? [], Number(taken)]);
  }
  return times;
}
