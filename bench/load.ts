/** Prepared requests, and what the load process measured with them. */

import { Approver, request } from "../test/support/approver.ts";

/** Latencies in milliseconds. */
export interface Measured {
  readonly count: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly statuses: Readonly<Record<string, number>>;
}

const CLIENT = new URL("client.ts", import.meta.url).pathname;

/**
 * A closed loop unless there is a `rate` per second: then an open one, or one client that is
 * `paced`. Throws when an answer is of another status than expected, if it is to be `strict`.
 */
export async function load(
  socket: string,
  bodies: readonly string[],
  clients: number,
  { rate = 0, paced = false, status = 200, strict = true } = {},
): Promise<Measured> {
  const kind = rate === 0 ? "closed" : paced ? "paced" : "open";
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", CLIENT, socket, kind, String(clients), String(rate)],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(bodies.join("\n")));
  await writer.close();
  const { stdout } = await child.output();
  const measured: Measured = JSON.parse(new TextDecoder().decode(stdout));
  if (strict && measured.statuses[String(status)] !== bodies.length) {
    throw new Error(`answers were not ${status}: ${JSON.stringify(measured.statuses)}`);
  }
  return measured;
}

/** What is echoed where its size does not matter. */
export const HELLO = { msg: "hello" };

export const approver = new Approver("bench");

/** Distinct approved requests, signed before anything is measured. */
export function approved(
  action: string,
  count: number,
  payload: Readonly<Record<string, unknown>>,
): string[] {
  return Array.from(
    { length: count },
    () => JSON.stringify(approver.approve(request(action, payload), LONG)),
  );
}

const LONG = { exp: Math.floor(Date.now() / 1000) + 86_000 };

/** For demo mode. */
export function unapproved(
  action: string,
  count: number,
  payload: Readonly<Record<string, unknown>>,
): string[] {
  return Array.from({ length: count }, () => JSON.stringify(request(action, payload)));
}

/**
 * Each signed over other bytes than it carries: what an attacker sends who knows a keyid and no
 * key.
 */
export function forged(count: number, payload: Readonly<Record<string, unknown>>): string[] {
  return approved("echo", count, payload).map((body) => {
    const request = JSON.parse(body);
    const claims = JSON.parse(atob(request.approval.payload));
    request.approval.payload = btoa(JSON.stringify({ ...claims, jti: crypto.randomUUID() }));
    return JSON.stringify(request);
  });
}

/** A payload of about that many bytes. */
export function payloadOf(bytes: number): Readonly<Record<string, unknown>> {
  return { msg: "x".repeat(Math.max(0, bytes - 10)) };
}
