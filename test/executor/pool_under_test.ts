/** A pool of real executors, with handlers of test/executor/handlers/, in a directory of its own. */

import { needed } from "../support/approvals.ts";
import { join } from "node:path";
import type { ActionConfig } from "../../src/config/config.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { UNSAID } from "../../src/core/presentation.ts";
import type { Json, Outcome } from "../../src/core/types.ts";
import type { Job, Slot } from "../../src/executor/types.ts";
import type { ExecutorLog } from "../../src/executor/log.ts";
import { EXECUTORS_DIRECTORY } from "../../src/executor/program.ts";
import { Pool, type PoolOptions } from "../../src/executor/pool.ts";

export const HANDLERS = new URL("./handlers/", import.meta.url).pathname;
const MEBIBYTE = 1024 * 1024;

const NOTHING = { net: [], read: [], write: [], env: [], run: [], unix: [] };

export const ECHO: Partial<ActionConfig> = {
  module: { builtin: "echo" },
  isolation: "reuse",
  concurrency: 64,
};

/** An action whose handler is a file of test/executor/handlers/, with what differs from the plainest configuration. */
export function handler(file: string, changes: Partial<ActionConfig> = {}): Partial<ActionConfig> {
  return { module: { file: file.startsWith("/") ? file : join(HANDLERS, file) }, ...changes };
}

interface Line {
  readonly action: string;
  readonly execution: string;
  readonly text: string;
}

/** What the pool said. */
export class Heard implements ExecutorLog {
  readonly lines: Line[] = [];
  readonly failures: {
    readonly execution: string;
    readonly code: ErrorCode;
    readonly reason: string;
  }[] = [];
  readonly deaths: { readonly pid: number; readonly reason: string }[] = [];

  line(action: string, execution: string, text: string): void {
    this.lines.push({ action, execution, text });
  }

  failed({ executionId: execution }: Job, code: ErrorCode, reason: string): void {
    this.failures.push({ execution, code, reason });
  }

  died(pid: number, reason: string): void {
    this.deaths.push({ pid, reason });
  }
}

export class PoolUnderTest {
  #executions = 0;

  private constructor(
    readonly pool: Pool,
    readonly stateDir: string,
    readonly heard: Heard,
  ) {}

  static async start(
    actions: Readonly<Record<string, Partial<ActionConfig>>>,
    options: Partial<PoolOptions> = {},
  ): Promise<PoolUnderTest> {
    const stateDir = options.stateDir ?? Deno.makeTempDirSync({ prefix: "openexec-pool-" });
    const heard = new Heard();
    const configured = Object.entries(actions).map(([name, action]) =>
      [name, configOf(name, action)] as const
    );
    try {
      const pool = await Pool.start(new Map(configured), {
        stateDir,
        box: { kernel: "available" },
        mode: "demo",
        limits: { requestBytes: 2 * MEBIBYTE, resultBytes: MEBIBYTE },
        clock: systemClock,
        variable: () => undefined,
        log: heard,
        ...options,
      });
      return new PoolUnderTest(pool, stateDir, heard);
    } catch (error) {
      Deno.removeSync(stateDir, { recursive: true });
      throw error;
    }
  }

  /** Runs it to its outcome. */
  async run(action: string, payload: Json = {}): Promise<Outcome> {
    return (await this.start(this.pool.acquire(action), action, payload)).outcome;
  }

  /** What a run that has to succeed gave. */
  async result(action: string, payload: Json = {}): Promise<unknown> {
    const outcome = await this.run(action, payload);
    if (outcome.status !== "succeeded") {
      throw new Error(`${outcome.status}: ${JSON.stringify(this.heard.failures.at(-1))}`);
    }
    return JSON.parse(outcome.resultText);
  }

  start(
    slot: Slot,
    action: string,
    payload: Json,
    executionId = `execution-${++this.#executions}`,
  ) {
    return slot.run({
      executionId,
      action,
      canonicalRequest: JSON.stringify({ action, payload }),
      idempotencyKey: `key of ${executionId}`,
      traceparent: null,
    });
  }

  /** The processes on record. */
  pids(): number[] {
    const entries = [...Deno.readDirSync(join(this.stateDir, EXECUTORS_DIRECTORY))];
    return entries.flatMap(({ name }) => {
      const [, pid] = /^(\d+)\./.exec(name) ?? [];
      return pid === undefined ? [] : [Number(pid)];
    });
  }

  async close(): Promise<void> {
    await this.pool.close();
    Deno.removeSync(this.stateDir, { recursive: true });
  }
}

function configOf(name: string, changes: Partial<ActionConfig>): ActionConfig {
  return {
    name,
    module: { builtin: "echo" },
    presentation: UNSAID,
    fields: new Map(),
    digest: null,
    ...needed(1),
    timeoutMs: 10_000,
    concurrency: 1,
    isolation: "fresh",
    idempotent: false,
    onInterrupt: "unknown",
    allow: NOTHING,
    unconfined: false,
    secrets: new Map(),
    memoryBytes: 256 * MEBIBYTE,
    retention: {},
    ...changes,
  };
}
