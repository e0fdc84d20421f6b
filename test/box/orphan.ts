/**
 * A daemon with an executor that hears no more of its channel; prints the pids of all. Argument:
 * its state directory.
 */

import { handler, PoolUnderTest } from "../executor/pool_under_test.ts";

const under = await PoolUnderTest.start({
  endless: handler("attacks.ts", { timeoutMs: 600_000 }),
}, { stateDir: Deno.args[0] ?? "" });
void under.run("endless", { attack: "endlessLoop" });
await new Promise((resolve) => setTimeout(resolve, 1_000)); // has begun, or hears nothing
Deno.stdout.writeSync(new TextEncoder().encode(`${under.pids().join(" ")}\n`));
