/** Starts a pool and a run that does not end, and prints the executor's pid. */

import { handler, PoolUnderTest } from "./pool_under_test.ts";

const under = await PoolUnderTest.start(
  { context: handler("context.ts", { timeoutMs: 600_000 }) },
  {
    stateDir: Deno.args[0] ?? "",
  },
);
void under.run("context", { do: "wait" });
while (under.heard.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
const [{ text } = { text: "" }] = under.heard.lines;
Deno.stdout.writeSync(new TextEncoder().encode(`${text.split(" ")[1]}\n`));
