/**
 * Commits reservations and settlements to a filled ledger, for pages.ts, which traces this process.
 * Arguments: the state directory, the number of the first execution, how many, how many callers.
 * Each line of output is written between two commits: what ended, and how many milliseconds it took.
 */

import { machineClock } from "../src/os/process.ts";
import { openFilled, reserveOne, settleOne } from "./fill.ts";

const [stateDir = "", ...numbers] = Deno.args;
const [first = 0, count = 0, callers = 0] = numbers.map(Number);

const { ledger, signingKey } = await openFilled(stateDir, machineClock);
let next = first;
await Promise.all(Array.from({ length: callers }, async () => {
  for (let i = next++; i < first + count; i = next++) {
    say("begun");
    const record = await timed("reservation", () => reserveOne(ledger, i));
    await timed("settlement", () => settleOne(ledger, signingKey, record));
  }
}));
await ledger.close();

async function timed<T>(name: string, act: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const value = await act();
  say(`${name} ${performance.now() - startMs}`);
  return value;
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
