/** Kills the migration of an older ledger at each of its transactions, and in the middle of them. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { Store } from "../../src/ledger/store/store.ts";
import { expectSound } from "../ledger/soundness.ts";
import { temporaryFolder } from "../ledger/temporary.ts";
import { unpackVersion1 } from "../ledger/older/version_1.ts";
import { HAS_STRACE, type Run, type RunOptions, runScript } from "./ledger_run.ts";

const CHILD = new URL("migration_child.ts", import.meta.url).pathname;
/** So few rows a transaction that there are more than twenty. */
const ROWS = 64;
const MINUTES_MS = 60_000;

async function older(): Promise<string> {
  const stateDir = join(temporaryFolder(), "state");
  await unpackVersion1(stateDir);
  return stateDir;
}

const migrate = (stateDir: string, options: RunOptions = {}): Promise<Run> =>
  runScript([CHILD, stateDir, String(ROWS)], options);

/** Every row of every table but the state, whose mark tells the time. */
async function rowsOf(stateDir: string): Promise<string[]> {
  const store = new Store({ directory: join(stateDir, "ledger"), readOnly: true });
  const all = { start: Uint8Array.of(1), end: new Uint8Array(80).fill(0xff) };
  const rows = Object.entries(store.tables).flatMap(([name, table]) =>
    name === "current" || name === "meta"
      ? []
      : Array.from(table.range(all), ({ key, value }) => `${name} ${key.toHex()} ${value.toHex()}`)
  );
  await store.close();
  return rows;
}

async function whole(): Promise<{ rows: string[]; steps: number }> {
  const stateDir = await older();
  const { output, errors } = await migrate(stateDir);
  expect(output.at(-1), errors).toBe("open");
  return { rows: await rowsOf(stateDir), steps: output.length - 1 };
}

test(
  "killed after each of its transactions, a migration goes on and ends with the same rows",
  async () => {
    const { rows, steps } = await whole();
    expect(steps).toBeGreaterThan(20);
    const stateDir = await older();
    let kills = 0;
    const step = () => migrate(stateDir, { killAfterLines: 1 });
    for (let run = await step(); !run.output.includes("open"); run = await step()) kills++;
    expect(kills).toBeGreaterThan(5);
    await expectSound(stateDir);
    expect(await rowsOf(stateDir)).toEqual(rows);
  },
  10 * MINUTES_MS,
);

test.skipIf(!HAS_STRACE)(
  "[needs strace(1)] killed within its transactions, it does so too",
  async () => {
    const { rows } = await whole();
    const stateDir = await older();
    let kills = 0;
    for (const call of ["pwrite64", "writev", "fdatasync"]) {
      for (let when = 1; when <= 4; when++) {
        const inject = `${call}:signal=KILL:when=${when}`;
        if ((await migrate(stateDir, { inject })).killed) kills++;
      }
    }
    expect(kills).toBeGreaterThan(8);
    // the copy is complete, and not in its place
    for (const call of ["unlink", "rename"]) {
      expect((await migrate(stateDir, { inject: `${call}:signal=KILL:when=1` })).killed).toBe(true);
    }
    const { output, errors } = await migrate(stateDir);
    expect(output.at(-1), errors).toBe("open");
    await expectSound(stateDir);
    expect(await rowsOf(stateDir)).toEqual(rows);
  },
  10 * MINUTES_MS,
);
