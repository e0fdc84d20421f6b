/** What `openexec pin` and `openexec test-action` do without a daemon: load a handler, or run it once, in the same box. */

import { type HandlerCode, readHandler } from "../actions/pin.ts";
import type { ActionConfig, Permissions } from "../config/config.ts";
import { canonicalJson } from "../core/canonical_json.ts";
import type { Clock } from "../core/clock.ts";
import type { Digest, JsonObject, Outcome } from "../core/types.ts";
import { uuidV7 } from "../core/uuid.ts";
import { examine } from "./examine.ts";
import { Launcher } from "./launch.ts";
import type { ExecutorLog } from "./log.ts";
import { startPool } from "./supervisor.ts";

export interface Pinned {
  readonly file: string;
  readonly digest: Digest;
  /** JSON Schemas (draft 2020-12). */
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject;
}

export interface Rehearsal {
  /** Absolute. */
  readonly file: string;
  readonly payload: JsonObject;
  readonly allow: Permissions;
  /** Names and files of secrets. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly resultBytes: number;
}

export interface RehearsalOptions {
  readonly clock: Clock;
  readonly variable: (name: string) => string | undefined;
  readonly log: ExecutorLog;
}

const FRAME_BYTES = 64 * 1024 * 1024;
const NAME = "handler";

/** Loads the file as the daemon would, and runs nothing of it. Throws a StartupError that says why it could not be used. */
export async function pinHandler(file: string): Promise<Pinned> {
  const code = await readHandler(file);
  const handlers: ReadonlyMap<string, HandlerCode> = new Map([[file, code]]);
  const schemas = await inTemporaryDirectory(async (directory) => {
    const limits = { requestBytes: FRAME_BYTES, resultBytes: FRAME_BYTES };
    return await examine(
      handlers,
      await Launcher.open(directory, { limits, variable: () => undefined }),
    );
  });
  const { input = {}, output = {} } = schemas.get(file) ?? {};
  return { file, digest: code.digest, inputSchema: input, outputSchema: output };
}

/** Runs the handler once, with these grants and no others. Throws a StartupError when it cannot be loaded. */
export async function rehearse(rehearsal: Rehearsal, options: RehearsalOptions): Promise<Outcome> {
  return await inTemporaryDirectory(async (stateDir) => {
    const limits = { requestBytes: FRAME_BYTES, resultBytes: rehearsal.resultBytes };
    const actions = new Map([[NAME, actionOf(rehearsal)]]);
    const pool = await startPool(actions, { ...options, stateDir, limits, mode: "demo" });
    try {
      const executionId = uuidV7(options.clock.nowMs());
      const { outcome } = await pool.acquire(NAME).run({
        executionId,
        action: NAME,
        canonicalRequest: canonicalJson({ action: NAME, payload: rehearsal.payload }),
        idempotencyKey: executionId,
        traceparent: null,
      });
      return outcome;
    } finally {
      await pool.close();
    }
  });
}

function actionOf({ file, allow, secrets, timeoutMs, memoryBytes }: Rehearsal): ActionConfig {
  return {
    name: NAME,
    module: { file },
    digest: null,
    approvals: 1,
    timeoutMs,
    concurrency: 1,
    isolation: "process",
    idempotent: false,
    onInterrupt: "unknown",
    allow,
    unconfined: allow.run.length > 0,
    secrets,
    memoryBytes,
    retention: {},
  };
}

async function inTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await Deno.makeTempDir({ prefix: "openexec-" });
  try {
    return await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
