/**
 * The load, in a process of its own: sends prepared bodies over one Unix socket and prints what it
 * measured as JSON.
 *
 * Arguments: socket; `closed`, `paced` or `open`; clients; a rate per second for the last two. In a
 * closed loop each client sends when it was answered; paced, one client does, but no faster than
 * the rate. In an open loop requests leave when they are due, and latency counts from then, so that
 * a stall is not hidden by the requests it held back. Standard input: the bodies, one a line.
 */

import { LoadConnection, requestBytes } from "./connection.ts";
import { summaryOf } from "./latencies.ts";

const [path = "", kind = "closed", clientsText = "1", rateText = "0"] = Deno.args;
const clients = Number(clientsText);
const rate = Number(rateText);
const input = await new Response(Deno.stdin.readable).text();
const requests = input.split("\n").filter(Boolean).map(requestBytes);
const idle: LoadConnection[] = [];

const latencies: number[] = [];
const statuses: Record<string, number> = {};

async function send(request: Uint8Array, dueMs: number): Promise<void> {
  const connection = idle.pop() ?? await LoadConnection.open(path);
  const status = await connection.exchange(request);
  latencies.push(performance.now() - dueMs);
  statuses[status] = (statuses[status] ?? 0) + 1;
  // a server that failed may end the connection without saying so, as uvicorn does
  if (status >= 500) connection.close();
  else idle.push(connection);
}

async function closedLoop(): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: clients }, async () => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      await send(request, performance.now());
    }
  }));
}

async function openLoop(): Promise<void> {
  const startMs = performance.now();
  const sent: Promise<void>[] = [];
  for (const [index, request] of requests.entries()) {
    const dueMs = startMs + index * 1000 / rate;
    const wait = dueMs - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    sent.push(send(request, dueMs));
  }
  await Promise.all(sent);
}

/** One client that waits for its answer, and for its next turn. */
async function pacedLoop(): Promise<void> {
  const startMs = performance.now();
  for (const [index, request] of requests.entries()) {
    const wait = startMs + index * 1000 / rate - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    await send(request, performance.now());
  }
}

const LOOPS: Readonly<Record<string, () => Promise<void>>> = {
  closed: closedLoop,
  open: openLoop,
  paced: pacedLoop,
};
const startMs = performance.now();
await LOOPS[kind]?.();
const seconds = (performance.now() - startMs) / 1000;
for (const connection of idle) connection.close();
const measured = {
  count: latencies.length,
  perSecond: latencies.length / seconds,
  ...summaryOf(latencies),
  statuses,
};
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(measured)));
