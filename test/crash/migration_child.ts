/** Run by migration_kill.test.ts: opens a ledger of an older schema, and says each step's end. */

import { openLedger } from "../../src/ledger/open.ts";
import { TestClock } from "../ledger/scene.ts";

const [stateDir = "", rowsMax = "1"] = Deno.args;
const say = (line: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

const ledger = await openLedger({
  stateDir,
  executorId: "openexec:test",
  mode: "enforced",
  clock: new TestClock(),
  migration: { rowsMax: Number(rowsMax), report: (done) => say(`${done}`) },
});
say("open");
await ledger.close();
