/** What this machine gives in this run: the figures that openexec's own are held against. */

import http from "node:http";
import { open } from "lmdb";
import { parseCanonical } from "../src/core/json/json.ts";
import { signingKeyOf, verify } from "../src/core/keys/ed25519.ts";
import { systemClock } from "../src/core/clock.ts";
import { Pool } from "../src/executor/pool.ts";
import type { Config } from "../src/config/config.ts";
import { load, type Measured } from "./load.ts";

/**
 * Executions a second, and milliseconds each, of two dependent durable commits of a record's size.
 */
export async function durableCommits(
  folder: string,
  callers: number,
  seconds: number,
): Promise<Rate> {
  const store = open({
    path: `${folder}/ceiling-${callers}`,
    overlappingSync: false,
    encoding: "binary",
  });
  const record = new Uint8Array(600);
  const deadline = performance.now() + seconds * 1000;
  const startMs = performance.now();
  let done = 0;
  await Promise.all(Array.from({ length: callers }, async (_, caller) => {
    for (let i = 0; performance.now() < deadline; i++) {
      const key = `${caller}.${i}`;
      await store.transaction(() => store.put(`${key}.a`, record));
      await store.transaction(() => store.put(`${key}.b`, record));
      done += 1;
    }
  }));
  const elapsedMs = performance.now() - startMs;
  await store.close();
  return { perSecond: done / elapsedMs * 1000, ms: elapsedMs / done * callers };
}

export interface Rate {
  readonly perSecond: number;
  readonly ms: number;
}

/**
 * The same HTTP stack, answering a constant of the size of an execution's answer, in a process of
 * its own.
 */
export async function constantAnswers(
  folder: string,
  clients: number,
  requests: number,
): Promise<Measured> {
  const path = `${folder}/constant.sock`;
  const answer = JSON.stringify({ filler: "x".repeat(1800) });
  const server = http.createServer((request, response) => {
    request.resume();
    request.on("end", () => response.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const measured = await load(
    path,
    Array.from({ length: requests }, () => '{"msg":"hello"}'),
    clients,
  );
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return measured;
}

/** Operations a second on a message of an approval's size. */
export function signatures(seconds: number): { readonly sign: Rate; readonly verify: Rate } {
  const signer = signingKeyOf(crypto.getRandomValues(new Uint8Array(32)));
  const message = crypto.getRandomValues(new Uint8Array(450));
  const signature = signer.sign(message);
  return {
    sign: repeat(seconds, () => void signer.sign(message)),
    verify: repeat(seconds, () => {
      if (!verify(signature, message, signer.publicKey)) {
        throw new Error("a good signature was refused");
      }
    }),
  };
}

function repeat(seconds: number, act: () => void): Rate {
  const startMs = performance.now();
  let done = 0;
  for (; performance.now() - startMs < seconds * 1000; done++) act();
  const elapsedMs = performance.now() - startMs;
  return { perSecond: done / elapsedMs * 1000, ms: elapsedMs / done };
}

/** Round trips to an executor that runs echo, one after another. */
export async function executorRoundTrip(
  config: Config,
  folder: string,
  count: number,
): Promise<Rate> {
  const pool = await Pool.start(config.actions, {
    stateDir: folder,
    mode: config.mode,
    box: config.box,
    limits: config.limits,
    clock: systemClock,
    log: { line: () => {}, failed: () => {}, died: () => {} },
    variable: () => undefined,
  });
  const canonicalRequest = '{"action":"echo","payload":{"msg":"hello"}}';
  parseCanonical(canonicalRequest);
  const run = async () => {
    const executionId = crypto.randomUUID();
    const job = {
      executionId,
      action: "echo",
      canonicalRequest,
      idempotencyKey: executionId,
      traceparent: null,
    };
    const { outcome } = await pool.acquire("echo").run(job);
    if (outcome.status !== "succeeded") throw new Error(`echo ended as ${outcome.status}`);
  };
  for (let i = 0; i < 200; i++) await run();
  const startMs = performance.now();
  for (let i = 0; i < count; i++) await run();
  const elapsedMs = performance.now() - startMs;
  await pool.close();
  return { perSecond: count / elapsedMs * 1000, ms: elapsedMs / count };
}
