/** Calls that take several requests: a list the daemon divides, and the wait for an outcome. */

import type { CallOptions, DaemonConnection } from "./connection.ts";
import { type Execution, executionsOf, type ExecutionsPage } from "./execution.ts";
import { sleep } from "../core/wait.ts";

const LIMIT = 20;
const POLL_MS = 50;
const POLL_MS_MAX = 1_000;

/** Rejects with OpenExecError, OpenExecUnreachable, or the signal's reason. */
export async function listExecutions(
  connection: DaemonConnection,
  page: { readonly limit?: number; readonly before?: string },
  call: CallOptions,
): Promise<readonly Execution[]> {
  const { limit = LIMIT, before = null } = page;
  let { executions, next } = await pageOf(connection, limit, before, call);
  while (next !== null && executions.length < limit) {
    const more = await pageOf(connection, limit - executions.length, next, call);
    executions = [...executions, ...more.executions];
    next = more.next;
  }
  return executions;
}

function pageOf(
  connection: DaemonConnection,
  limit: number,
  before: string | null,
  call: CallOptions,
): Promise<ExecutionsPage> {
  const from = before === null ? "" : `&before=${encodeURIComponent(before)}`;
  return connection.read(`/executions?limit=${limit}${from}`, executionsOf, call);
}

/** Looks again, less and less often. Rejects as `look` does, or with the signal's reason. */
export async function waitUntilSettled(
  look: () => Promise<Execution>,
  signal: AbortSignal | undefined,
): Promise<Execution> {
  for (let delayMs = POLL_MS;; delayMs = Math.min(POLL_MS_MAX, delayMs * 2)) {
    const execution = await look();
    if (execution.status !== "reserved") return execution;
    await sleep(delayMs, signal);
  }
}
