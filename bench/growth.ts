/**
 * How the figures change as the ledger grows: filled through its own operations, then served by the
 * real daemon.
 */

import http from "node:http";
import type { MachineClock } from "../src/core/clock.ts";
import { machineClock } from "../src/os/process.ts";
import { type Daemon, OPENEXEC, openexec } from "../test/support/daemon.ts";
import { fill } from "./fill.ts";
import { inTurn } from "./in_turn.ts";
import { summaryOf } from "./latencies.ts";
import { approved, HELLO, load } from "./load.ts";
import { anonymousMegabytes, scene } from "./scene.ts";
import type { Table } from "./table.ts";

export const GROWN = "largest / smallest ledger, measured in turn";
export const GROWTH = {
  throughput: "throughput, largest / smallest ledger",
  p99: "p99, largest / smallest ledger",
} as const;

const IN_FLIGHT = 256;
/** Two bodies each, a payload and a result. */
const EXPIRED = 50_000;
const PROOFS = 1_000;
const STARTS = 5;

export async function growth(sizes: readonly number[], table: Table): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "openexec-bench-" });
  const small = await Deno.makeTempDir({ prefix: "openexec-bench-" });
  let filled = 0;
  for (const size of sizes) {
    await fill(`${directory}/state`, machineClock, { from: filled, to: size });
    if (filled === 0) await copyState(directory, small);
    filled = size;
    const row = await serve(directory, size, table);
    if (size === sizes.at(-1)) table.add("growth", "largest", row);
  }
  if (sizes.length > 1) await compare(small, directory, table);
  await recovery(directory, filled, table);
  await audit(directory, table);
  for (const folder of [directory, small]) await Deno.remove(folder, { recursive: true });
  await pruning(table);
}

async function copyState(from: string, to: string): Promise<void> {
  await new Deno.Command("cp", { args: ["-a", `${from}/state`, to] }).output();
}

/**
 * The largest ledger against the smallest, which grows by as many executions meanwhile as it is
 * measured with.
 */
async function compare(small: string, large: string, table: Table): Promise<void> {
  const daemons = [await scene({ directory: small }), await scene({ directory: large })] as const;
  const executed = ({ socket }: Daemon, count: number) =>
    load(socket, approved("echo", count, HELLO), 16);
  for (const daemon of daemons) await executed(daemon, 1_000); // warm
  await inTurn(table, GROWN, async () => {
    const [before, after] = [await executed(daemons[0], 2_000), await executed(daemons[1], 2_000)];
    return {
      [GROWTH.throughput]: after.perSecond / before.perSecond,
      [GROWTH.p99]: after.p99 / before.p99,
    };
  });
  for (const daemon of daemons) await daemon.stop();
}

async function serve(directory: string, size: number, table: Table) {
  const { daemon, readyMs } = await start(directory);
  await load(daemon.socket, approved("echo", 1_000, HELLO), 16);
  const { perSecond, p99 } = await load(daemon.socket, approved("echo", 8_000, HELLO), 16);
  const anonymousMB = anonymousMegabytes(daemon.pid);
  const fileMB = (await Deno.stat(`${directory}/state/ledger/data.mdb`)).size / 2 ** 20;
  const row = { perSecond, p99, anonymousMB, fileMB, readyMs };
  table.add("growth", `${size} executions`, row);
  table.add("growth", `receipt with its proof, of ${size}`, await proofs(daemon, size));
  await daemon.stop();
  return row;
}

/**
 * The median of some starts, of which the last is left running: one by itself tells of the
 * machine's moment.
 */
async function start(directory: string): Promise<{ daemon: Daemon; readyMs: number }> {
  const taken: number[] = [];
  for (;;) {
    const startMs = performance.now();
    const daemon = await scene({ directory });
    taken.push(performance.now() - startMs);
    if (taken.length === STARTS) return { daemon, readyMs: summaryOf(taken).p50 };
    await daemon.stop();
  }
}

/** GET /receipts/{log_index}, one after another, of places all over the log. */
async function proofs(daemon: Daemon, size: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const taken: number[] = [];
  for (let i = 0; i < PROOFS; i++) {
    const startMs = performance.now();
    const path = `/receipts/${Math.floor(size * i / PROOFS)}`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    http.get({ agent, socketPath: daemon.socket, path }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${path} answered ${answer.statusCode}`));
      answer.resume().once("end", resolve);
    }).once("error", reject);
    await promise;
    taken.push(performance.now() - startMs);
  }
  agent.destroy();
  const { p50, p99, max } = summaryOf(taken);
  return { p50, p99, max };
}

/** Until it is ready, when its predecessor died with so many executions begun. */
async function recovery(directory: string, filled: number, table: Table): Promise<void> {
  await fill(`${directory}/state`, machineClock, {
    from: filled,
    to: filled + IN_FLIGHT,
    open: true,
  });
  const startMs = performance.now();
  const daemon = await scene({ directory });
  table.add("growth", `start with ${IN_FLIGHT} in flight`, {
    readyMs: performance.now() - startMs,
  });
  await daemon.stop();
}

async function audit(directory: string, table: Table): Promise<void> {
  const startMs = performance.now();
  const { code, stdout, stderr } = await openexec({ directory, socket: "" }, ["audit", "--json"]);
  const seconds = (performance.now() - startMs) / 1000;
  if (code !== 0) throw new Error(`${OPENEXEC} audit failed: ${stderr}`);
  const receipts = Number(/"entries":(\d+)/.exec(stdout)?.[1] ?? NaN);
  table.add("growth", "audit", { perSecond: receipts / seconds, receipts, seconds });
}

/**
 * Two days ago, before the machine was started: what is kept for a day has expired when the daemon
 * looks.
 */
const twoDaysAgo: MachineClock = {
  nowMs: () => machineClock.nowMs() - 2 * 86_400_000,
  uptimeMs: () => machineClock.uptimeMs() + 10 * 86_400_000,
  bootId: () => "another",
};

/** Serves while it prunes what expired before it was started. */
async function pruning(table: Table): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "openexec-bench-" });
  await fill(`${directory}/state`, twoDaysAgo, { from: 0, to: EXPIRED });
  const daemon = await scene({ directory });
  const startMs = performance.now();
  const [{ perSecond, p50, p99, max }, seconds] = await Promise.all([
    load(daemon.socket, approved("echo", 4_000, HELLO), 16),
    untilPruned(daemon).then(() => (performance.now() - startMs) / 1000),
  ]);
  table.add("growth", `serving while ${2 * EXPIRED} bodies are pruned`, {
    perSecond,
    p50,
    p99,
    max,
  });
  table.add("growth", "pruned meanwhile", { perSecond: 2 * EXPIRED / seconds, seconds });
  await daemon.stop();
  await Deno.remove(directory, { recursive: true });
}

/** It writes a line for each batch. */
async function untilPruned({ output }: Daemon): Promise<void> {
  const pruned = () =>
    output.map((line) => Number(/"bodies pruned".*"count":(\d+)/.exec(line)?.[1] ?? 0))
      .reduce((sum, count) => sum + count, 0);
  while (pruned() < 2 * EXPIRED) await new Promise((resolve) => setTimeout(resolve, 100));
}
