/**
 * Figures of requests that wait for a person: durable commits of one that is decided at once, and
 * memory and processor of many, with long polls and event streams.
 */

import http from "node:http";
import { readState } from "../src/ledger/store/state.ts";
import { Store } from "../src/ledger/store/store.ts";
import { Approver, type Envelope, request } from "../test/support/approver.ts";
import { Daemon } from "../test/support/daemon.ts";
import { call } from "../test/support/http.ts";
import { anonymousMegabytes } from "./scene.ts";
import type { Table } from "./table.ts";

const WAITING = 1_000;
const POLLS = 100;
const STREAMS = 10;
const PAGES = 20;
const PAGE = 100;
const IDLE_MS = 10_000;
/** USER_HZ of every Linux that this runs on. */
const TICK_MS = 10;

const approver = new Approver("bench");

export async function waiting(table: Table): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-bench-" });
  const daemon = await Daemon.start({ directory, config: configOf(directory) });
  const [agent, review] = [`${directory}/agent.sock`, `${directory}/review.sock`];
  table.add("waiting", "durable commits of one", await commits(directory, agent, review));
  await propose(agent, 100, "warm");
  const before = anonymousMegabytes(daemon.pid);
  await propose(agent, WAITING - 100, "many");
  const held = await hold(agent, review);
  const took = await idle(daemon.pid);
  const megabytes = anonymousMegabytes(daemon.pid) - before;
  const name = `${WAITING} waiting, ${POLLS} polls, ${STREAMS} streams`;
  table.add("waiting", name, { megabytes, processorShare: took });
  table.add("waiting", `a page of ${PAGE}`, await pages(review));
  for (const one of held) one.destroy();
  await daemon.close();
  Deno.removeSync(directory, { recursive: true });
}

function configOf(directory: string): string {
  const socket = (name: string, role: string) =>
    `[[sockets]]\npath = "${directory}/${name}.sock"\nrole = "${role}"\n`;
  return `executor_id = "openexec:test"
${socket("agent", "agent")}${socket("review", "approver")}
${approver.toml()}
[actions.echo]
module = "builtin:echo"
[proposals]
per_uid = 2000
total = 2000
per_minute = 100000
`;
}

/** Commits of a request that was sent approved, and of one that is proposed and signed at once. */
async function commits(directory: string, agent: string, review: string) {
  const execute = async () => {
    const approved = approver.approve(request("echo", { n: 1 }));
    await call(agent, "POST", "/execute", approved);
  };
  const proposeAndSign = async () => {
    const { id } = (await call(agent, "POST", "/proposals", { action: "echo" })).json;
    const { json: shown } = await call(review, "GET", `/proposals/${id}`);
    const signed: Envelope = approver.consent(shown);
    await call(review, "POST", `/proposals/${id}/approvals`, signed);
    await call(agent, "GET", `/proposals/${id}`, undefined, { prefer: "wait=60" });
  };
  await execute();
  await execute();
  const counted = async (act: () => Promise<void>) => {
    const before = await sequenceOf(directory);
    await act();
    return await sequenceOf(directory) - before;
  };
  return { approved: await counted(execute), proposed: await counted(proposeAndSign) };
}

/** Counts the transactions of a live ledger. */
async function sequenceOf(directory: string): Promise<number> {
  const store = new Store({ directory: `${directory}/state/ledger`, readOnly: true });
  const { sequence } = readState(store.tables);
  await store.close();
  return sequence;
}

async function propose(agent: string, count: number, label: string): Promise<void> {
  for (let n = 0; n < count; n++) {
    await call(agent, "POST", "/proposals", { action: "echo", payload: { label, n } });
  }
}

/** Opens long polls and event streams; each is counted once its head, or a comment, has come. */
async function hold(agent: string, review: string): Promise<http.ClientRequest[]> {
  const { proposals } = (await call(review, "GET", `/proposals?limit=${POLLS}`)).json;
  const polls = proposals.map(({ id }: { id: string }) =>
    http.get({
      socketPath: agent,
      path: `/proposals/${id}`,
      headers: { prefer: "wait=600" },
    }).on("error", () => {})
  );
  const streams = Array.from({ length: STREAMS }, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stream = http.get({ socketPath: review, path: "/events" }, (answer) => {
      answer.on("data", () => resolve());
    }).on("error", () => {});
    await promise;
    return stream;
  });
  return [...polls, ...await Promise.all(streams)];
}

/** Returns the share of one processor that the daemon takes while nothing happens. */
async function idle(pid: number): Promise<number> {
  const ticks = () => {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const [user = 0, system = 0] = stat.slice(stat.lastIndexOf(")")).split(" ").slice(12, 14)
      .map(Number);
    return user + system;
  };
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS / 2));
  const before = ticks();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  return (ticks() - before) * TICK_MS / IDLE_MS;
}

async function pages(review: string) {
  const times: number[] = [];
  for (let n = 0; n < PAGES; n++) {
    const began = performance.now();
    await call(review, "GET", `/proposals?limit=${PAGE}`);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  return { p50: times[PAGES >> 1] ?? NaN, max: times.at(-1) ?? NaN };
}
