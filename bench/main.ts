/**
 * `npm run bench`: the real daemon over its real socket, loaded from a separate process, beside
 * what this machine gives in the same run. Prints one table and writes it as
 * bench/results/latest.json.
 *
 * Arguments: names of sections (all of them by default), the sizes of the growing ledger, by
 * default --growth=10000,100000 (1000000 more takes its time to fill), and that of the ledger whose
 * commits are counted, by default --pages=100000. The section `openexec` wants --openexec=FOLDER,
 * the source of OpenExec 0.1.10, and --python=PATH, an interpreter that can run it (python3 by
 * default); it is left out where no folder is given.
 */

import { constantAnswers, durableCommits, executorRoundTrip, signatures } from "./ceilings.ts";
import { benchConfig } from "./config.ts";
import { growth } from "./growth.ts";
import { keys } from "./keys.ts";
import { approved, forged, HELLO, load, type Measured, payloadOf, unapproved } from "./load.ts";
import { besideOpenExec } from "./openexec.ts";
import { pages } from "./pages.ts";
import { ratios } from "./ratios.ts";
import { reviewPage } from "./review_page.ts";
import { scene } from "./scene.ts";
import { Table, write } from "./table.ts";
import { printTargets } from "./targets.ts";
import { waiting } from "./waiting.ts";

const CLIENTS = [1, 16, 64];
const PAYLOADS = [["1 KiB", 1024, 4_000], ["64 KiB", 65_536, 1_000], [
  "1 MiB",
  2 ** 20,
  60,
]] as const;
/** So short that a minute sees bodies expire, and a checkpoint each second. */
const UPKEEP = `[retention]
payload = "10s"
result = "20s"
[checkpoints]
interval = "1s"
file = "checkpoints"
`;
const table = new Table();
/**
 * What else the machine was busy with: a shared one makes every figure worse, and not all of them
 * alike.
 */
const loadBefore = Deno.loadavg();
const chosen = Deno.args.filter((argument) => !argument.startsWith("--"));
const option = (name: string) =>
  Deno.args.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
const growthSizes = (option("growth") ?? "10000,100000").split(",").map(Number);
const pagesSize = Number(option("pages") ?? "100000");

const latencies = ({ perSecond, p50, p95, p99, max }: Measured) => ({
  perSecond,
  p50,
  p95,
  p99,
  max,
});
const requestsFor = (clients: number) => clients === 1 ? 2_000 : 8_000;

async function ceilings(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "openexec-bench-" });
  for (const callers of CLIENTS) {
    const { perSecond, ms } = await durableCommits(folder, callers, 3);
    table.add("ceilings", `two durable commits, ${callers} callers`, { perSecond, ms });
  }
  for (const clients of CLIENTS) {
    const measured = await constantAnswers(folder, clients, 20_000);
    table.add("ceilings", `constant over HTTP, ${clients} clients`, latencies(measured));
  }
  const { sign, verify } = signatures(2);
  table.add("ceilings", "Ed25519 sign", { ...sign });
  table.add("ceilings", "Ed25519 verify", { ...verify });
  table.add("ceilings", "executor round trip", {
    ...await executorRoundTrip(benchConfig(), folder, 3_000),
  });
  await Deno.remove(folder, { recursive: true });
}

async function enforced(): Promise<void> {
  const daemon = await scene();
  await load(daemon.socket, approved("echo", 1_000, HELLO), 16); // warm
  const linesOf = new Map<number, readonly string[]>();
  for (const clients of CLIENTS) {
    const linesBefore = daemon.output.length;
    const measured = await load(
      daemon.socket,
      approved("echo", requestsFor(clients), HELLO),
      clients,
    );
    table.add("enforced", `echo, ${clients} clients`, latencies(measured));
    linesOf.set(clients, daemon.output.slice(linesBefore));
  }
  for (const [name, bytes, count] of PAYLOADS) {
    const measured = await load(daemon.socket, approved("echo", count, payloadOf(bytes)), 16);
    table.add("enforced", `echo of ${name}, 16 clients`, latencies(measured));
  }
  const replayed = approved("echo", 2_000, HELLO);
  await load(daemon.socket, replayed, 16);
  table.add(
    "enforced",
    "replays, 16 clients",
    latencies(await load(daemon.socket, [...replayed, ...replayed], 16)),
  );
  const refused = await load(daemon.socket, forged(12_000, HELLO), 16, { status: 403 });
  table.add("refusals", "bad signature, 16 clients", latencies(refused));
  for (const [clients, lines] of linesOf) stations(clients, lines);
  await daemon.close();
}

/** Means over every attempt that succeeded, from the daemon's own log lines. */
function stations(clients: number, output: readonly string[]): void {
  const sums = new Map<string, { total: number; count: number }>();
  for (const line of output) {
    if (!line.startsWith("{") || !line.includes('"status":"succeeded"')) continue;
    for (const [station, micros] of Object.entries<number>(JSON.parse(line).stations)) {
      const sum = sums.get(station) ?? { total: 0, count: 0 };
      sums.set(station, { total: sum.total + micros, count: sum.count + 1 });
    }
  }
  for (const [station, { total, count }] of sums) {
    table.add("stations", `${station}, ${clients} clients`, { meanMicros: total / count });
  }
}

async function demo(): Promise<void> {
  const daemon = await scene({ mode: "demo" });
  await load(daemon.socket, unapproved("echo", 1_000, HELLO), 16);
  for (const clients of CLIENTS) {
    const measured = await load(
      daemon.socket,
      unapproved("echo", requestsFor(clients), HELLO),
      clients,
    );
    table.add("demo", `echo, ${clients} clients`, latencies(measured));
  }
  await daemon.close();
}

async function isolation(): Promise<void> {
  const daemon = await scene();
  for (const kind of ["reuse", "fresh"]) {
    const action = `echo_${kind}`;
    await load(daemon.socket, approved(action, 20, HELLO), 1);
    table.add(
      "isolation",
      `${kind}, 1 client`,
      latencies(await load(daemon.socket, approved(action, 200, HELLO), 1)),
    );
    const paced = await load(daemon.socket, approved(action, 200, HELLO), 1, {
      rate: 20,
      paced: true,
    });
    table.add("isolation", `${kind}, 20 a second`, latencies(paced));
  }
  await daemon.close();
}

/** Half of what the daemon can do, for a minute, with pruning and checkpoints going on. */
async function openLoop(): Promise<void> {
  const daemon = await scene({ tables: UPKEEP });
  const capacity = (await load(daemon.socket, approved("echo", 8_000, HELLO), 16)).perSecond;
  const rate = Math.floor(capacity / 2);
  const measured = await load(daemon.socket, approved("echo", rate * 60, HELLO), 1, {
    rate,
    strict: false,
  });
  const refused = measured.count - (measured.statuses["200"] ?? 0);
  const row = { ...latencies(measured), p999: measured.p999, refused };
  table.add("open loop", `${rate} a second for a minute`, row);
  await daemon.close();
}

const openexec = () => besideOpenExec(option("openexec"), option("python") ?? "python3", table);

const SECTIONS: Readonly<Record<string, () => Promise<void>>> = {
  ceilings,
  keys: () => Promise.resolve(keys(table)),
  page: () => reviewPage(table),
  enforced,
  demo,
  isolation,
  ratios: () => ratios(table),
  "open-loop": openLoop,
  waiting: () => waiting(table),
  pages: () => pages(pagesSize, table),
  growth: () => growth(growthSizes, table),
  ...(chosen.length > 0 || option("openexec") !== undefined ? { openexec } : {}),
};

for (const [name, section] of Object.entries(SECTIONS)) {
  if (chosen.length === 0 || chosen.includes(name)) await section();
}
const targets = printTargets(table);
const results = new URL("results/", import.meta.url);
await Deno.mkdir(results, { recursive: true });
const machine = {
  cores: navigator.hardwareConcurrency,
  kernel: Deno.osRelease(),
  arch: Deno.build.arch,
  deno: Deno.version.deno,
  loadBefore,
  loadAfter: Deno.loadavg(),
};
await Deno.writeTextFile(
  new URL("latest.json", results),
  JSON.stringify({ machine, rows: table.rows, targets }, null, 2),
);
write("\nwritten to bench/results/latest.json\n");
