/** The targets that are ratios of two figures, each round one after the other. */

import type { Daemon } from "../test/support/daemon.ts";
import { durableCommits, executorRoundTrip } from "./ceilings.ts";
import { benchConfig } from "./config.ts";
import { inTurn, type Round } from "./in_turn.ts";
import { approved, forged, HELLO, load, unapproved } from "./load.ts";
import { processorOf } from "./processor.ts";
import { scene } from "./scene.ts";
import type { Table } from "./table.ts";

export const RATIOS = "ratios, measured in turn";
export const RATIO = {
  ofCeiling: "throughput at 16 / durable ceiling at 16 callers",
  perSecond: "throughput at 16",
  ofWaits: "p50 at 1 / (two commits + round trip)",
  tail: "p99 / p50 at 16",
  demo: "demo / enforced, throughput at 16",
  refusing: "refusing a bad signature / executing, throughput at 16",
  fresh: "fresh / reuse, p50 at 20 a second",
} as const;

/** Three seconds of each. */
const PACED = 60;

export async function ratios(table: Table): Promise<void> {
  const [enforced, demo] = [await scene(), await scene({ mode: "demo" })];
  await load(enforced.socket, approved("echo", 2_000, HELLO), 16); // warm
  await load(demo.socket, unapproved("echo", 2_000, HELLO), 16);
  for (const isolation of ["reuse", "fresh"]) await paced(enforced, isolation);
  await inTurn(table, RATIOS, () => measure(enforced, demo));
  await Promise.all([enforced.close(), demo.close()]);
}

async function measure(enforced: Daemon, demo: Daemon): Promise<Round> {
  const folder = await Deno.makeTempDir({ prefix: "openexec-bench-" });
  const commitsMs = (await durableCommits(folder, 1, 1)).ms;
  const roundTripMs = (await executorRoundTrip(benchConfig(), folder, 1_000)).ms;
  const alone = await load(enforced.socket, approved("echo", 500, HELLO), 1);
  const ceiling = await durableCommits(folder, 16, 1);
  const requests = approved("echo", 2_000, HELLO);
  const { result: together, microsEach, idle } = await processorOf(
    requests.length,
    () => load(enforced.socket, requests, 16),
  );
  const unsigned = await load(demo.socket, unapproved("echo", 2_000, HELLO), 16);
  const refused = await load(enforced.socket, forged(4_000, HELLO), 16, { status: 403 });
  const reuseMs = await paced(enforced, "reuse");
  const freshMs = await paced(enforced, "fresh");
  await Deno.remove(folder, { recursive: true });
  return {
    [RATIO.ofCeiling]: together.perSecond / ceiling.perSecond,
    [RATIO.perSecond]: together.perSecond,
    "processors, microseconds an execution at 16": microsEach,
    "processors, idle share at 16": idle,
    [RATIO.ofWaits]: alone.p50 / (commitsMs + roundTripMs),
    [RATIO.tail]: together.p99 / together.p50,
    [RATIO.demo]: unsigned.perSecond / together.perSecond,
    [RATIO.refusing]: refused.perSecond / together.perSecond,
    [RATIO.fresh]: freshMs / reuseMs,
  };
}

/** Milliseconds, median. */
async function paced({ socket }: Daemon, isolation: string): Promise<number> {
  const bodies = approved(`echo_${isolation}`, PACED, HELLO);
  return (await load(socket, bodies, 1, { rate: 20, paced: true })).p50;
}
