/**
 * Whether this runtime keeps workers to their permissions. A daemon whose runtime does not must not start: every grant in
 * its configuration would then be a wish.
 */

import { StartupError } from "../core/startup_error.ts";
import { readHandler } from "../actions/pin.ts";
import { program } from "../os/program.ts";
import { NO_GRANTS } from "./grants.ts";
import type { Launcher } from "./launch.ts";

/** An environment variable that every executor has. */
const VARIABLE = "DENO_DIR";
const MEMORY_BYTES = 256 * 1024 * 1024;
const TIME_LIMIT_MS = 30_000;

/**
 * Runs a worker without permissions in a process that could read a file and a variable. Throws a StartupError when anything
 * opened, or when it cannot be tried.
 */
export async function verifyBox(launcher: Pick<Launcher, "canary" | "start">): Promise<void> {
  const opened = await tryDoors(launcher);
  if (opened === "[]") return;
  throw new StartupError(
    opened === null
      ? "No executor process can be started, or none that keeps workers to their permissions"
      : `The runtime gives handlers what they were not granted: ${opened}`,
    "Install the runtime that openexec was released with",
  );
}

async function tryDoors(launcher: Pick<Launcher, "canary" | "start">): Promise<string | null> {
  const process = launcher.start({
    handlers: new Map([["probe", await readHandler(program.probe)]]),
    grants: { ...NO_GRANTS, read: [launcher.canary], env: [VARIABLE] },
    workerGrants: NO_GRANTS,
    discipline: { runsMax: 1, shared: false, successor: false },
    memoryBytes: MEMORY_BYTES,
  }, () => {});
  const timer = setTimeout(() => process.kill(), TIME_LIMIT_MS);
  try {
    if (!await process.ready()) return null;
    const report = await process.run({
      id: "probe",
      handler: "probe",
      request: JSON.stringify({ action: "probe", payload: { file: launcher.canary, variable: VARIABLE } }),
      idempotencyKey: "probe",
      traceparent: null,
      secrets: [],
      abortAfterMs: TIME_LIMIT_MS,
    }, () => {});
    return report.kind === "succeeded" ? report.result : null;
  } finally {
    clearTimeout(timer);
    process.retire();
    await process.exited;
  }
}
