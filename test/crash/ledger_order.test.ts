import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { temporaryFolder } from "../ledger/temporary.ts";
import { HAS_STRACE, runChild } from "./ledger_run.ts";

/** A finished system call of a trace. `text` has its arguments, with paths behind descriptors. */
interface Call {
  readonly name: string;
  readonly text: string;
  readonly result: number;
}

/** Calls in the order in which they ended, which is when their effect is certain. */
function callsOf(trace: string): Call[] {
  const begun = new Map<string, string>();
  const calls: Call[] = [];
  for (const line of trace.split("\n")) {
    const [, pid = "", rest = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (rest.endsWith("<unfinished ...>")) {
      begun.set(pid, rest.slice(0, -"<unfinished ...>".length));
      continue;
    }
    const whole = rest.replace(/^<\.\.\. \w+ resumed>/, () => begun.get(pid) ?? "");
    const [, name = "", text = "", result = ""] = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(whole) ?? [];
    if (name !== "") calls.push({ name, text: text.trim(), result: Number(result) });
  }
  return calls;
}

const isLine = (line: string) => ({ name, text }: Call) =>
  name === "write" && text.includes(`"${line}\\n"`);
const isDataWrite = ({ name, text }: Call) =>
  /^p?writev?(64)?$/.test(name) && /^\d+<[^>]*data\.mdb>/.test(text);
const isFlush = ({ name, text, result }: Call) =>
  name === "fdatasync" && text.includes("data.mdb") && result === 0;
/** The meta page's write, by its size and by the two places it can go. */
const isCommitPoint = (call: Call) =>
  isDataWrite(call) && /, 128, (40|4136)$/.test(call.text) && call.result === 128;

/** Places of the first calls that fit, each after the one before. */
function placesOf(
  calls: readonly Call[],
  from: number,
  wanted: readonly ((call: Call) => boolean)[],
): number[] {
  const places: number[] = [];
  for (const fits of wanted) {
    const start = places.at(-1) ?? from;
    places.push(calls.findIndex((call, place) => place > start && fits(call)));
  }
  return places;
}

test.skipIf(!HAS_STRACE)(
  "[needs strace(1)] an answer leaves only after data, flush and commit point of its transaction",
  async () => {
    const traceTo = `${temporaryFolder()}/trace`;
    const { output, errors } = await runChild(temporaryFolder(), "ordered", {
      traceTo,
      callers: 1,
      rounds: 3,
    });
    expect(output.at(-1), errors).toBe("done");
    const calls = callsOf(Deno.readTextFileSync(traceTo));
    const metaFile = calls.find(({ name, text }) =>
      name === "openat" && /data\.mdb", O_WRONLY\|O_DSYNC/.test(text)
    );
    expect(metaFile, "the commit point is written to a descriptor that is synchronous")
      .toBeDefined();
    for (let round = 0; round < 3; round++) {
      const nonce = `ordered-0-${round}`;
      for (
        const [asked, answered] of [[`A ${nonce}`, `R ${nonce}`], [
          `R ${nonce}`,
          `S ${nonce}`,
        ]] as const
      ) {
        const from = calls.findIndex(isLine(asked));
        const until = calls.findIndex(isLine(answered));
        const steps = placesOf(calls, from, [isDataWrite, isFlush, isCommitPoint]);
        expect(
          steps.every((place) => place > from && place < until),
          `${answered}: ${steps} in ${from}-${until}`,
        ).toBe(true);
        const between = calls.slice(from, until);
        expect(between.filter(isCommitPoint), `${answered} rests on one commit`).toHaveLength(1);
        const lastData = between.findLastIndex((call) => isDataWrite(call) && !isCommitPoint(call));
        expect(between.findIndex(isFlush)).toBeGreaterThan(lastData);
      }
    }
  },
);

test.skipIf(!HAS_STRACE)(
  "[needs strace(1)] a data key is on disk, and so is its name, before anything is sealed under it",
  async () => {
    const traceTo = `${temporaryFolder()}/trace`;
    await runChild(temporaryFolder(), "keyed", { traceTo, callers: 1, rounds: 1 });
    const calls = callsOf(Deno.readTextFileSync(traceTo));
    const from = calls.findIndex(isLine("A keyed-0-0"));
    const places = placesOf(calls, from, [
      ({ name, text }) => name === "write" && /vault\/\d+\.key\.draft>/.test(text),
      ({ name, text }) => name === "fsync" && /vault\/\d+\.key\.draft>/.test(text),
      ({ name, text }) => name.startsWith("rename") && /vault\/\d+\.key"/.test(text),
      ({ name, text }) => name === "fsync" && /vault>/.test(text),
      isDataWrite,
    ]);
    expect(places).not.toContain(-1);
    expect(calls.slice(from, places.at(-2)).filter(isDataWrite)).toEqual([]);
  },
);

test.skipIf(!HAS_STRACE)(
  "[needs strace(1)] a key is overwritten, flushed and gone from its folder before its rows are",
  async () => {
    const stateDir = temporaryFolder();
    await runChild(stateDir, "expired", { callers: 1, rounds: 1 });
    const ends = Array.from(
      Deno.readDirSync(`${stateDir}/vault`),
      ({ name }) => parseInt(name, 10),
    );
    await expect.poll(() => systemClock.nowMs()).toBeGreaterThan(
      Math.max(...ends),
    );
    const traceTo = `${temporaryFolder()}/trace`;
    await runChild(stateDir, "pruned", { traceTo, callers: 1, rounds: 1 });
    const calls = callsOf(Deno.readTextFileSync(traceTo));
    const ofKey = ({ text }: Call) => /vault\/\d+\.key[>"]/.test(text);
    const places = placesOf(calls, 0, [
      (call) => call.name === "write" && ofKey(call) && call.text.includes('"\\0\\0\\0\\0'),
      (call) => call.name === "fsync" && ofKey(call),
      (call) => call.name.startsWith("unlink") && ofKey(call),
      ({ name, text }) => name === "fsync" && /vault>/.test(text),
      isCommitPoint,
      isLine("ready"),
    ]);
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  },
);
