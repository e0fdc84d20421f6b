/**
 * Run by the crash tests: a ledger that reserves, settles and prunes for several callers at once,
 * until it is killed.
 *
 * It says what it knows, one line each, before it goes on: `A nonce` about to ask, `R nonce`
 * reserved, `S nonce` settled, `X code` refused. The line is what a caller would have been answered.
 */

import { Refusal } from "../../src/core/errors.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { machineClock } from "../../src/os/process.ts";
import { reservation, settlement } from "../ledger/scene.ts";

const [stateDir = "", run = "", callers = "1", rounds = "1"] = Deno.args;
const RETENTION_MS = 100;

const encoder = new TextEncoder();
const say = (line: string) => void Deno.stdout.writeSync(encoder.encode(`${line}\n`));

const ledger = await openLedger({
  stateDir,
  executorId: "openexec:crash",
  mode: "enforced",
  clock: machineClock,
  recentBytes: 20_000, // so that kills hit the filing too
});

/** As a daemon does at its start. */
async function start(): Promise<void> {
  const unknown = { status: "outcome_unknown", code: "outcome_unknown" } as const;
  for (const { id } of ledger.unsettled()) {
    await ledger.settle(settlement(id, { ...unknown, result: null, resultCommitment: null }));
  }
  await ledger.prune(64);
  say("ready");
}

async function once(nonce: string): Promise<void> {
  say(`A ${nonce}`);
  const retention = { payloadMs: RETENTION_MS, resultMs: RETENTION_MS };
  const { id } = await ledger.reserve(reservation({ nonce, claim: { jti: nonce }, ...retention }));
  say(`R ${nonce}`);
  await ledger.settle(settlement(id, { retention }));
  say(`S ${nonce}`);
}

/** Whether to go on. */
async function attempt(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    say(`X ${error.code}`);
    return error.code !== "ledger_unavailable";
  }
}

async function caller(number: number): Promise<void> {
  for (let round = 0; round < Number(rounds); round++) {
    const goOn = await attempt(async () => {
      await once(`${run}-${number}-${round}`);
      if (round % 4 === 3) await ledger.prune(16);
    });
    if (!goOn) return;
  }
}

if (await attempt(start)) {
  await Promise.all(Array.from({ length: Number(callers) }, (_, number) => caller(number)));
}
say("done");
await ledger.close();
