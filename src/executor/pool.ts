/**
 * The pool: every configured action with its code, secrets and slots, sealed at start.
 *
 * Start, in this order: no executor of an earlier daemon lives; every handler's code is what the
 * configuration pins; the box is shut; every handler loads and has JSON Schemas. Anything else is a
 * StartupError.
 */

import type { Text } from "../core/bytes.ts";
import { join } from "node:path";
import { type HandlerCode, readHandlers } from "../actions/pin.ts";
import { missingParts, thisKernel, type Wholeness, wholenessOf } from "../box/kernel.ts";
import type { ActionConfig, BoxConfig, Limits } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { Refusal } from "../core/errors.ts";
import { StartupError } from "../core/startup_error.ts";
import type { Mode } from "../core/types.ts";
import { InputChecks, refuseUnfit } from "./input_checks.ts";
import type { ExecutorProcess } from "./executor_process.ts";
import { type ExecutorSpec, Launcher } from "./launch.ts";
import type { ExecutorLog } from "./log.ts";
import { NO_PERMISSIONS, unreachable } from "./permissions.ts";
import { OwnProcesses, type Processes, SharedProcess, Starts } from "./processes.ts";
import { EXECUTORS_DIRECTORY } from "./program.ts";
import { readSecrets, Scrubber, type Secrets } from "./secrets.ts";
import { Slots } from "./slot.ts";
import { describeHandler, type HandlerDescription, registered, tryBox } from "./start_check.ts";
import type { ExecutorStatistics, RegisteredAction, Slot } from "./types.ts";

export interface PoolOptions {
  /** The caller holds its lock: executors on record there are ended. */
  readonly stateDir: string;
  readonly mode: Mode;
  readonly box: BoxConfig;
  readonly limits: Pick<Limits, "requestBytes" | "resultBytes">;
  /** A variable of the daemon's environment, for actions that may read it. */
  readonly variable: (name: string) => string | undefined;
  readonly clock: Clock;
  readonly log: ExecutorLog;
  /** How long a process is kept that nothing runs in. */
  readonly idleMs?: number;
}

/** How much of a box there is. */
export interface BoxState {
  readonly kernel: Wholeness;
  /** Parts that the kernel lacks; none where boxes are whole. */
  readonly missing: readonly string[];
  /** Actions that the configuration takes out of the box. */
  readonly unconfined: readonly string[];
}

const IDLE_MS = 60_000;
const SHARED_MEMORY_BYTES = 512 * 1024 * 1024;
const CHECK_HEAP_BYTES = 128 * 1024 * 1024;

interface Registered {
  readonly config: ActionConfig;
  readonly code: HandlerCode;
  readonly secrets: Secrets;
}

/** The pool as the engine and its tests see it. */
export type Executors = Pick<Pool, keyof Pool>;

export class Pool {
  readonly #actions = new Map<string, RegisteredAction>();
  readonly #slots = new Map<string, Slots>();
  readonly #checks = new Map<string, InputChecks>();
  readonly #processes: Processes[] = [];
  #shared: SharedProcess | null = null;

  private constructor(
    private readonly launcher: Launcher,
    private readonly options: PoolOptions,
    readonly box: BoxState,
    private readonly configured: ReadonlyMap<string, ActionConfig>,
  ) {}

  /** Throws a StartupError, with nothing left running. */
  static async start(
    actions: ReadonlyMap<string, ActionConfig>,
    options: PoolOptions,
  ): Promise<Pool> {
    const kernel = thisKernel();
    const missing = missingParts(kernel);
    requireBox([...actions.values()], missing, options.box);
    const directory = join(options.stateDir, EXECUTORS_DIRECTORY);
    const launcher = await Launcher.open(directory, { ...options, kernel });
    const unconfined = [...actions.values()].filter((action) => action.unconfined);
    const pool = new Pool(launcher, options, {
      kernel: wholenessOf(kernel),
      missing,
      unconfined: unconfined.map(({ name }) => name),
    }, actions);
    try {
      const handlers = await readHandlers(actions, options.mode);
      const registered = await Promise.all([...actions.values()].map(async (config) => {
        const code = handlers.get(config.name);
        if (code === undefined) throw new TypeError(`the code of ${config.name} was not read`);
        return { config, code, secrets: await readSecrets(config.secrets) };
      }));
      await tryBox(launcher, kernel, canaryIn(directory));
      await pool.#register(registered);
      return pool;
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Tells of permissions that this process does not have itself, a line for each. */
  unreachable(): readonly string[] {
    return unreachable(this.configured.values());
  }

  get actions(): ReadonlyMap<string, RegisteredAction> {
    return this.#actions;
  }

  /**
   * Rejects with a Refusal: payload_invalid, executor_unavailable. `request` is the text of
   * {"action","payload"}, which `uid` has asked.
   */
  async check(action: string, request: Text, uid: number): Promise<void> {
    const checks = this.#checks.get(action);
    if (checks !== undefined) return await checks.check(request, uid);
    const process = this.#shared?.take();
    if (process === undefined) throw new Refusal("action_unknown");
    const ready = await process.ready();
    const id = crypto.randomUUID();
    refuseUnfit(
      ready ? (await process.check({ id, handler: action, request }))?.issue : undefined,
      false,
    );
  }

  /**
   * Throws a Refusal: executor_busy when the action has no free slot, executor_unavailable when
   * none can be had.
   */
  acquire(action: string): Slot {
    const slots = this.#slots.get(action);
    if (slots === undefined) throw new Refusal("action_unknown");
    return slots.acquire();
  }

  /** false when no executor process can be started. */
  healthy(): boolean {
    return this.#processes.every(({ starts }) => starts.isHealthy);
  }

  statistics(): ExecutorStatistics {
    const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
    return {
      processes: sum(this.#processes.map(({ starts }) => starts.processes)),
      running: sum([...this.#slots.values()].map((slots) => slots.running)),
      restarts: sum(this.#processes.map(({ starts }) => starts.restarts)),
    };
  }

  /** Ends every executor; what still runs yields outcome_unknown. */
  async close(): Promise<void> {
    await Promise.all([
      ...this.#processes.map((processes) => processes.close()),
      ...[...this.#checks.values()].map((checks) => checks.close()),
    ]);
    this.launcher.close();
  }

  async #register(all: readonly Registered[]): Promise<void> {
    const builtins = all.filter(isBuiltin);
    const shared = builtins.length === 0 ? null : this.#sharedOf(builtins);
    const described = await Promise.allSettled(all.map(async (action) => {
      const { config: { name }, code } = action;
      const describe = (process: ExecutorProcess) => describeHandler(process, name, code);
      if (shared !== null && isBuiltin(action)) {
        return { processes: shared, described: await describe(shared.take()) };
      }
      const described = await this.#checksOf(action).use(describe);
      return { processes: this.#processesOf(action), described };
    }));
    for (const [index, result] of described.entries()) {
      if (result.status === "rejected") throw result.reason;
      const action = all[index];
      if (action !== undefined) this.#add(action, result.value.processes, result.value.described);
    }
  }

  #add(
    { config, code, secrets }: Registered,
    processes: Processes,
    described: HandlerDescription,
  ): void {
    const { name } = config;
    const { clock, log, limits } = this.options;
    this.#actions.set(name, registered(config, code.digest, described));
    const isShared = processes === this.#shared;
    this.#slots.set(
      name,
      new Slots(
        { action: config, isShared, secrets, clock, log, resultBytesMax: limits.resultBytes },
        processes,
      ),
    );
  }

  #sharedOf(builtins: readonly Registered[]): SharedProcess {
    const spec: ExecutorSpec = {
      handlers: new Map(builtins.map(({ config, code }) => [config.name, code])),
      permissions: NO_PERMISSIONS,
      memoryBytes: SHARED_MEMORY_BYTES,
    };
    this.#shared = new SharedProcess(this.#starts(spec, new Map()));
    this.#processes.push(this.#shared);
    return this.#shared;
  }

  #processesOf({ config, code, secrets }: Registered): Processes {
    const { name, isolation, allow, memoryBytes, unconfined, concurrency } = config;
    const spec: ExecutorSpec = {
      handlers: new Map([[name, code]]),
      permissions: allow,
      memoryBytes,
      isUnconfined: unconfined,
    };
    this.launcher.settlePaths(spec);
    const processes = new OwnProcesses(this.#starts(spec, secrets), {
      isSingleUse: isolation !== "reuse",
      sparesMax: concurrency,
      idleMs: this.#idleMs,
    });
    this.#processes.push(processes);
    return processes;
  }

  #checksOf({ config: { name }, code }: Registered): InputChecks {
    const spec: ExecutorSpec = {
      handlers: new Map([[name, code]]),
      permissions: NO_PERMISSIONS,
      memoryBytes: CHECK_HEAP_BYTES,
    };
    const checks = new InputChecks(
      name,
      (onExit) => this.launcher.start(spec, onExit),
      this.#idleMs,
    );
    this.#checks.set(name, checks);
    return checks;
  }

  #starts(spec: ExecutorSpec, secrets: Secrets): Starts {
    const scrubber = new Scrubber(secrets);
    return new Starts(
      (onExit) => this.launcher.start(spec, onExit),
      ({ pid, reason }) => this.options.log.died(pid, scrubber.text(reason)),
    );
  }

  get #idleMs(): number {
    return this.options.idleMs ?? IDLE_MS;
  }
}

function isBuiltin({ config }: Registered): boolean {
  return "builtin" in config.module;
}

/** Throws a StartupError where the configuration wants more of a box than the kernel has. */
function requireBox(
  actions: readonly ActionConfig[],
  missing: readonly string[],
  { kernel }: BoxConfig,
): void {
  if (missing.length === 0) return;
  const what = `This kernel lacks ${missing.join(" and ")}`;
  if (kernel === "required") {
    throw new StartupError(
      `${what}, and [box] kernel = "required"`,
      'Start on a newer kernel, or rely on the runtime\'s permissions with kernel = "available"',
    );
  }
  const running = actions.find(({ allow, unconfined }) => allow.run.length > 0 && !unconfined);
  if (running !== undefined) {
    throw new StartupError(
      `${what}, so nothing would confine the programs of ${running.name}`,
      "Start on a newer kernel, take its `run` away, or accept it with unconfined = true",
    );
  }
}

/** A file that no box permits. */
function canaryIn(directory: string): string {
  const file = join(directory, "canary");
  Deno.writeTextFileSync(file, "throw new Error('the canary was read');\n", { mode: 0o600 });
  return file;
}
