import { join } from "node:path";
import { expect, test } from "vitest";
import { exists } from "../../src/ledger/disk/layout.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { machineClock } from "../../src/os/process.ts";
import { refusalOf, reservation } from "../ledger/scene.ts";
import { expectSound } from "../ledger/soundness.ts";
import { temporaryFolder } from "../ledger/temporary.ts";
import { HAS_STRACE, runChild } from "./ledger_run.ts";

const KILLS = Number(Deno.env.get("OPENEXEC_KILLS") ?? 12);
const PER_KILL_MS = 6_000;

/** The last that was said of each nonce: A, R or S. */
function told(lines: readonly string[]): Map<string, string> {
  const last = new Map<string, string>();
  for (const line of lines) {
    const [letter = "", nonce] = line.split(" ");
    if (nonce !== undefined && "ARS".includes(letter)) last.set(nonce, letter);
  }
  return last;
}

/** What was answered is there; what was not is absent, open or done. */
async function expectKept(stateDir: string, answers: ReadonlyMap<string, string>): Promise<void> {
  if (answers.size === 0 && !await exists(join(stateDir, "ledger"))) return;
  const { statuses } = await expectSound(stateDir);
  for (const [nonce, letter] of answers) {
    const status = statuses.get(nonce);
    if (letter === "S") expect([nonce, status]).toEqual([nonce, "succeeded"]);
    if (letter === "R") expect(["reserved", "succeeded"], nonce).toContain(status);
    if (letter === "A") expect([undefined, "reserved"], nonce).toContain(status);
  }
}

/** Each nonce that is there is claimed, and so is its approval; open are those without outcome. */
async function expectClaimed(stateDir: string): Promise<void> {
  const { statuses } = await expectSound(stateDir);
  const ledger = await openLedger({
    stateDir,
    executorId: null,
    mode: "enforced",
    clock: machineClock,
  });
  const open = [...statuses].filter(([, status]) => status === "reserved").map(([nonce]) => nonce);
  expect(ledger.unsettled().map(({ nonce }) => nonce).sort()).toEqual(open.sort());
  expect(ledger.statistics()).toMatchObject({ executions: statuses.size, unsettled: open.length });
  const some = [...statuses.keys()].slice(-20);
  const outcomes = await Promise.all(some.flatMap((nonce) => [
    refusalOf(ledger.reserve(reservation({ nonce }))),
    refusalOf(ledger.reserve(reservation({ claim: { jti: nonce } }))),
  ]));
  expect(outcomes).toEqual(some.flatMap(() => ["nonce_reused", "approval_already_used"]));
  for (const record of ledger.unsettled()) {
    expect(ledger.openRequest(record.id), record.nonce).toBeDefined();
  }
  await ledger.close();
}

test(
  "killed anywhere, again and again, the ledger keeps every answer and claims nothing twice",
  async () => {
    const stateDir = temporaryFolder();
    let kept = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const lines = 1 + Math.floor(Math.random() * 150);
      const { output, killed, errors } = await runChild(stateDir, `run${kill}`, {
        killAfterLines: lines,
      });
      expect(killed, `kill ${kill} after ${lines} lines: ${errors}`).toBe(true);
      const answers = told(output);
      kept += answers.size;
      await expectKept(stateDir, answers);
    }
    const last = await runChild(stateDir, "last", { rounds: 3 });
    expect(last.output.at(-1), last.errors).toBe("done");
    await expectClaimed(stateDir);
    expect(kept).toBeGreaterThan(KILLS);
  },
  KILLS * PER_KILL_MS,
);

/**
 * The calls by which a commit, a new key and the end of a key reach the disk, and how often one
 * thread of a run surely makes them.
 */
const STEPS = [["fdatasync", 12], ["pwrite64", 12], ["writev", 12], ["fsync", 3], ["rename", 1], [
  "unlink",
  1,
]] as const;

test.skipIf(!HAS_STRACE)(
  "[needs strace(1)] killed at each step to the disk, the ledger keeps every answer and claims nothing twice",
  async () => {
    const stateDir = temporaryFolder();
    const deaths = new Set<string>();
    for (let kill = 0; kill < KILLS; kill++) {
      const [step, times] = STEPS[kill % STEPS.length] ?? STEPS[0];
      const when = 1 + Math.floor(kill / STEPS.length) % times;
      const { output, killed } = await runChild(stateDir, `step${kill}`, {
        inject: `${step}:signal=KILL:when=${when}`,
      });
      if (killed) deaths.add(step);
      await expectKept(stateDir, told(output));
    }
    const last = await runChild(stateDir, "last", {});
    expect(last.output.at(-1), last.errors).toBe("done");
    await expectKept(stateDir, told(last.output));
    await expectClaimed(stateDir);
    expect([...deaths].sort()).toEqual(STEPS.map(([step]) => step).sort());
  },
  KILLS * PER_KILL_MS,
);
