/** Run by open.test.ts: a daemon that has a child, whose pid it prints. */

import { openLedger } from "../../src/ledger/open.ts";
import { TestClock } from "./scene.ts";

const [stateDir = ""] = Deno.args;
await openLedger({ stateDir, executorId: null, mode: "enforced", clock: new TestClock() });
const child = new Deno.Command("sleep", {
  args: ["60"],
  stdin: "null",
  stdout: "null",
  stderr: "null",
})
  .spawn();
await Deno.stdout.write(new TextEncoder().encode(`${child.pid}\n`));
setInterval(() => {}, 60_000);
