import { join } from "node:path";
import { expect, test } from "vitest";
import { type LedgerState, readState, writeState } from "../../src/ledger/store/state.ts";
import { Store } from "../../src/ledger/store/store.ts";
import { openexec } from "../support/daemon.ts";
import { until } from "../support/until.ts";
import { Held } from "./held.ts";

const HOUR_MS = 3_600_000;
const kernels = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();

/** The state of a ledger that nobody has open, after `change`. */
async function stateOf(
  folder: string,
  change: (state: LedgerState) => void = () => {},
): Promise<LedgerState> {
  const store = new Store({ directory: folder });
  const state = readState(store.tables);
  change(state);
  await store.commit(() => void writeState(store.tables, state));
  await store.close();
  return state;
}

test("the daemon and a restore know the boot, so that a jump within it pauses pruning and is told, and none of another is", async () => {
  await using held = await Held.start();
  const { directory } = held.daemon;
  const [ledger, backup] = [join(directory, "state/ledger"), join(directory, "backup")];
  expect((await openexec(held.daemon, ["backup", backup])).code).toBe(0);
  const told = () => held.daemon.output.filter((line) => line.includes("pruning is paused")).length;
  const paused = async () => {
    const { stdout } = await openexec(held.daemon, ["status", "--json"]);
    return stdout.includes('"pruningPaused":true');
  };

  await held.daemon.stop();
  const kept = await stateOf(ledger, (state) => state.markMs -= 12 * HOUR_MS);
  expect(kept.markBootId).toBe(kernels);
  await held.startAgain();
  await until(() => told() === 1);
  expect(await paused()).toBe(true);

  await held.daemon.stop();
  await stateOf(ledger, (state) => {
    state.markMs -= 12 * HOUR_MS;
    state.markBootId = "another";
    state.pruningPaused = false;
  });
  await held.startAgain();
  await held.send(held.approve("once", "after", "end"));
  expect([await paused(), told()]).toEqual([false, 0]);

  await held.daemon.stop();
  expect((await openexec(held.daemon, ["restore", backup])).code).toBe(0);
  expect(await stateOf(ledger)).toMatchObject({ markBootId: kernels, pruningPaused: false });
});
