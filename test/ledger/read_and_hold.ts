/** Run by prune.test.ts: a reader that keeps the pages of its moment until it is killed. */

import { LedgerSnapshot } from "../../src/audit/snapshot.ts";

const [stateDir = ""] = Deno.args;
await LedgerSnapshot.open(stateDir);
await Deno.stdout.write(new TextEncoder().encode("reading\n"));
setInterval(() => {}, 60_000);
