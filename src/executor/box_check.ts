/**
 * Whether this runtime keeps workers to their permissions. A daemon whose runtime does not must not start: every grant in
 * its configuration would then be a wish.
 */

import { StartupError } from "../core/startup_error.ts";
import { VARIABLE } from "./command_line.ts";
import type { ExecutorProcess } from "./executor_process.ts";

const TIME_LIMIT_MS = 30_000;

/**
 * Runs `probe` in a worker without permissions, of a process that could read the file `canary` and VARIABLE. Throws a
 * StartupError when anything opened, or when it cannot be tried.
 */
export async function verifyBox(
  process: ExecutorProcess,
  probe: string,
  canary: string,
): Promise<void> {
  const opened = await tryDoors(process, probe, canary);
  if (opened === "[]") return;
  throw new StartupError(
    opened === null
      ? "No executor process can be started, or none that keeps workers to their permissions"
      : `The runtime gives handlers what they were not granted: ${opened}`,
    "Install the runtime that openexec was released with",
  );
}

async function tryDoors(
  process: ExecutorProcess,
  probe: string,
  canary: string,
): Promise<string | null> {
  const timer = setTimeout(() => process.kill(), TIME_LIMIT_MS);
  try {
    if (!await process.ready()) return null;
    const report = await process.run({
      id: probe,
      handler: probe,
      request: JSON.stringify({ action: probe, payload: { file: canary, variable: VARIABLE } }),
      idempotencyKey: probe,
      traceparent: null,
      secrets: [],
      abortAfterMs: TIME_LIMIT_MS,
    }, () => {});
    return report.kind === "succeeded" ? report.result : null;
  } finally {
    clearTimeout(timer);
  }
}
