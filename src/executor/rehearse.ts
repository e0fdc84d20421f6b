/**
 * Serves `openexec pin` and `openexec test-action` without a daemon: loads a handler, or run it
 * once, in the same box.
 */

import type { ActionConfig, Permissions } from "../config/config.ts";
import { canonicalJson } from "../core/json/canonical_json.ts";
import type { Clock } from "../core/clock.ts";
import { UNSAID } from "../core/presentation.ts";
import type { Digest, JsonObject, Outcome } from "../core/types.ts";
import { uuidV7 } from "../core/uuid.ts";
import type { ExecutorLog } from "./log.ts";
import { NO_PERMISSIONS } from "./permissions.ts";
import { Pool } from "./pool.ts";

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
const NOTHING: Omit<Rehearsal, "file"> = {
  payload: {},
  allow: NO_PERMISSIONS,
  secrets: new Map(),
  timeoutMs: 10_000,
  memoryBytes: 256 * 1024 * 1024,
  resultBytes: FRAME_BYTES,
};

/**
 * Loads the file as the daemon would, and runs nothing of it. Throws a StartupError that says why
 * it could not be used.
 */
export async function pinHandler(file: string, options: RehearsalOptions): Promise<Pinned> {
  const rehearsal = { ...NOTHING, file };
  return await withPool(rehearsal, file, options, (pool) => {
    const registered = pool.actions.get(file);
    if (registered === undefined) throw new TypeError(`${file} was not registered`);
    const { digest, inputSchema, outputSchema } = registered;
    return Promise.resolve({ file, digest, inputSchema, outputSchema });
  });
}

/**
 * Runs the handler once, with these permissions and no others. Throws a StartupError when it cannot
 * be loaded, and a Refusal payload_invalid, before anything ran, for a payload that does not fit.
 */
export async function rehearse(rehearsal: Rehearsal, options: RehearsalOptions): Promise<Outcome> {
  return await withPool(rehearsal, NAME, options, async (pool) => {
    const executionId = uuidV7(options.clock.nowMs());
    const canonicalRequest = canonicalJson({ action: NAME, payload: rehearsal.payload });
    await pool.check(NAME, canonicalRequest, Deno.uid() ?? 0);
    const { outcome } = await pool.acquire(NAME).run({
      executionId,
      action: NAME,
      canonicalRequest,
      idempotencyKey: executionId,
      traceparent: null,
    });
    return outcome;
  });
}

async function withPool<T>(
  rehearsal: Rehearsal,
  name: string,
  options: RehearsalOptions,
  use: (pool: Pool) => Promise<T>,
): Promise<T> {
  return await inTemporaryDirectory(async (stateDir) => {
    const limits = { requestBytes: FRAME_BYTES, resultBytes: rehearsal.resultBytes };
    const actions = new Map([[name, actionOf(name, rehearsal)]]);
    const box = { kernel: "available" } as const;
    const pool = await Pool.start(actions, { ...options, box, stateDir, limits, mode: "demo" });
    try {
      return await use(pool);
    } finally {
      await pool.close();
    }
  });
}

function actionOf(
  name: string,
  { file, allow, secrets, timeoutMs, memoryBytes }: Rehearsal,
): ActionConfig {
  return {
    name,
    module: { file },
    presentation: UNSAID,
    fields: new Map(),
    digest: null,
    approvals: 1,
    groups: new Map(),
    require: "any",
    timeoutMs,
    concurrency: 1,
    isolation: "process",
    idempotent: false,
    onInterrupt: "unknown",
    allow,
    unconfined: false,
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
