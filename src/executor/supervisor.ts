/**
 * The pool: every configured action with its code, secrets and slots, sealed at start.
 *
 * Start, in this order: no executor of an earlier daemon lives; every handler's code is what the configuration pins; the
 * runtime keeps workers to their permissions; every handler loads and has JSON Schemas. Anything else is a StartupError.
 */

import { join } from "node:path";
import type { HandlerCode } from "../actions/pin.ts";
import { readHandlers } from "../actions/registry.ts";
import type { ActionConfig, Limits } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { Refusal } from "../core/errors.ts";
import type { Mode } from "../core/types.ts";
import type { ExecutorPool, ExecutorStatistics, RegisteredAction, Slot } from "./executor.ts";
import { examine, type Schemas } from "./examine.ts";
import { NO_PERMISSIONS } from "./grants.ts";
import { Launcher } from "./launch.ts";
import { EXECUTORS_DIRECTORY } from "./layout.ts";
import type { ExecutorLog } from "./log.ts";
import type { Discipline } from "./protocol.ts";
import { readSecrets, Scrubber, type Secrets } from "./secrets.ts";
import { Slots } from "./slot.ts";
import { OwnProcesses, SharedProcess, type Supply } from "./supply.ts";

export interface PoolOptions {
  /** The caller holds its lock: executors on record there are ended. */
  readonly stateDir: string;
  readonly mode: Mode;
  readonly limits: Pick<Limits, "requestBytes" | "resultBytes">;
  /** A variable of the daemon's environment, for actions that are granted it. */
  readonly variable: (name: string) => string | undefined;
  readonly clock: Clock;
  readonly log: ExecutorLog;
  /** How long a process is kept that nothing runs in. */
  readonly idleMs?: number;
}

const IDLE_MS = 60_000;
/** Runs in one worker of an action with `isolation = "reuse"`. */
const REUSES_MAX = 1_000;
const SHARED_MEMORY_BYTES = 512 * 1024 * 1024;

const DISCIPLINES: Readonly<Record<ActionConfig["isolation"], Discipline>> = {
  fresh: { runsMax: 1, shared: false, successor: true, spares: 0 },
  process: { runsMax: 1, shared: false, successor: false, spares: 0 },
  reuse: { runsMax: REUSES_MAX, shared: false, successor: true, spares: 0 },
};

/** Throws a StartupError, with nothing left running. */
export async function startPool(
  actions: ReadonlyMap<string, ActionConfig>,
  options: PoolOptions,
): Promise<ExecutorPool> {
  const launcher = await Launcher.open(join(options.stateDir, EXECUTORS_DIRECTORY), options);
  const handlers = await readHandlers(actions, options.mode);
  const secrets = new Map<string, Secrets>();
  for (const [name, action] of actions) secrets.set(name, await readSecrets(action.secrets));
  const schemas = await examine(handlers, launcher);
  return new Pool([...actions.values()], { handlers, secrets, schemas }, launcher, options);
}

function isBuiltin(action: ActionConfig | undefined): boolean {
  return action !== undefined && "builtin" in action.module;
}

interface Loaded {
  readonly handlers: ReadonlyMap<string, HandlerCode>;
  readonly secrets: ReadonlyMap<string, Secrets>;
  readonly schemas: Schemas;
}

class Pool implements ExecutorPool {
  readonly actions: ReadonlyMap<string, RegisteredAction>;
  readonly #slots = new Map<string, Slots>();
  readonly #supplies: Supply[] = [];

  constructor(
    actions: readonly ActionConfig[],
    private readonly loaded: Loaded,
    private readonly launcher: Launcher,
    private readonly options: PoolOptions,
  ) {
    this.actions = new Map(actions.map(({ name }) => [name, registered(name, loaded)]));
    const builtins = actions.filter(isBuiltin);
    if (builtins.length > 0) {
      const shared = this.#shared(builtins);
      for (const action of builtins) {
        this.#slots.set(action.name, this.#slotsOf(action, shared, true));
      }
    }
    for (const action of actions.filter((action) => !isBuiltin(action))) {
      this.#slots.set(action.name, this.#slotsOf(action, this.#own(action), false));
    }
  }

  acquire(action: string): Slot {
    const slots = this.#slots.get(action);
    if (slots === undefined) throw new Refusal("action_unknown");
    return slots.acquire();
  }

  healthy(): boolean {
    return this.#supplies.every(({ starter }) => starter.healthy);
  }

  statistics(): ExecutorStatistics {
    const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
    return {
      processes: sum(this.#supplies.map(({ starter }) => starter.processes)),
      running: sum([...this.#slots.values()].map((slots) => slots.running)),
      restarts: sum(this.#supplies.map(({ starter }) => starter.restarts)),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#supplies.map((supply) => supply.close()));
  }

  #slotsOf(action: ActionConfig, supply: Supply, shared: boolean): Slots {
    const secrets = this.loaded.secrets.get(action.name) ?? new Map();
    const { clock, log, limits } = this.options;
    return new Slots(
      { action, shared, secrets, clock, log, resultBytesMax: limits.resultBytes },
      supply,
    );
  }

  #own(action: ActionConfig): Supply {
    const { name, isolation, allow, memoryBytes } = action;
    const scrubber = new Scrubber(this.loaded.secrets.get(name) ?? new Map());
    const purpose = {
      handlers: this.#code([name]),
      permissions: allow,
      discipline: DISCIPLINES[isolation],
      memoryBytes,
    };
    const supply = new OwnProcesses(
      (ended) => this.launcher.start(purpose, ended),
      ({ pid, reason }) => this.options.log.died(pid, scrubber.text(reason)),
      {
        onlyOnce: isolation === "process",
        spare: isolation === "fresh",
        idleMs: this.options.idleMs ?? IDLE_MS,
      },
    );
    this.#supplies.push(supply);
    return supply;
  }

  #shared(builtins: readonly ActionConfig[]): Supply {
    const purpose = {
      handlers: this.#code(builtins.map(({ name }) => name)),
      permissions: NO_PERMISSIONS,
      discipline: { runsMax: 0, shared: true, successor: true, spares: 0 },
      memoryBytes: SHARED_MEMORY_BYTES,
    };
    const supply = new SharedProcess(
      (ended) => this.launcher.start(purpose, ended),
      ({ pid, reason }) => this.options.log.died(pid, reason),
    );
    this.#supplies.push(supply);
    return supply;
  }

  #code(names: readonly string[]): ReadonlyMap<string, HandlerCode> {
    return new Map([...this.loaded.handlers].filter(([name]) => names.includes(name)));
  }
}

function registered(name: string, { handlers, schemas }: Loaded): RegisteredAction {
  const [code, schema] = [handlers.get(name), schemas.get(name)];
  if (code === undefined || schema === undefined) {
    throw new TypeError(`action ${name} was not loaded`);
  }
  return Object.freeze({
    name,
    digest: code.digest,
    inputSchema: schema.input,
    outputSchema: schema.output,
  });
}
