/**
 * The load, in a process of its own: sends prepared bodies over one Unix socket and prints what it measured as JSON.
 *
 * Arguments: socket; `closed`, `paced` or `open`; clients; a rate per second for the last two. In a closed loop each client
 * sends when it was answered; paced, one client does, but no faster than the rate. In an open loop requests leave when they
 * are due, and latency counts from then, so that a stall is not hidden by the requests it held back. Standard input: the
 * bodies, one a line.
 */

import http from "node:http";
import { summaryOf } from "./latencies.ts";

const [socketPath = "", kind = "closed", clientsText = "1", rateText = "0"] = Deno.args;
const clients = Number(clientsText);
const rate = Number(rateText);
const bodies = (await new Response(Deno.stdin.readable).text()).split("\n").filter(Boolean);
const agent = new http.Agent({ keepAlive: true, maxSockets: kind === "open" ? 512 : clients });

const latencies: number[] = [];
const statuses: Record<string, number> = {};

function send(body: string, dueMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = http.request({
    agent,
    socketPath,
    method: "POST",
    path: "/execute",
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
  }, (answer) => {
    answer.resume();
    answer.on("end", () => {
      latencies.push(performance.now() - dueMs);
      const status = String(answer.statusCode);
      statuses[status] = (statuses[status] ?? 0) + 1;
      resolve();
    });
  });
  request.on("error", reject);
  request.end(body);
  return promise;
}

async function closedLoop(): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: clients }, async () => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      await send(body, performance.now());
    }
  }));
}

async function openLoop(): Promise<void> {
  const startMs = performance.now();
  const sent: Promise<void>[] = [];
  for (const [index, body] of bodies.entries()) {
    const dueMs = startMs + index * 1000 / rate;
    const wait = dueMs - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    sent.push(send(body, dueMs));
  }
  await Promise.all(sent);
}

/** One client that waits for its answer, and for its next turn. */
async function pacedLoop(): Promise<void> {
  const startMs = performance.now();
  for (const [index, body] of bodies.entries()) {
    const wait = startMs + index * 1000 / rate - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    await send(body, performance.now());
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
agent.destroy();
const measured = {
  count: latencies.length,
  perSecond: latencies.length / seconds,
  ...summaryOf(latencies),
  statuses,
};
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(measured)));
