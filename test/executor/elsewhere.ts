/** Starts a pool and a run that does not end, and prints the executor's pid. */

import { handler, PoolUnderTest } from "./pool_under_test.ts";

const under = await PoolUnderTest.start(
  { context: handler("context.ts", { timeoutMs: 600_000 }) },
  {
    stateDir: Deno.args[0] ?? "",
  },
);
await under.result("context", { do: "tell" });
void under.run("context", { do: "wait" });
Deno.stdout.writeSync(new TextEncoder().encode(`${under.pids()[0]}\n`));
