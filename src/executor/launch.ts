/** From what an executor is for to the process that is started, and the first message to it. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { HandlerCode } from "../actions/pin.ts";
import { boxOf, noBox } from "../box/box.ts";
import type { Entry } from "../box/enter.ts";
import type { Kernel } from "../box/kernel.ts";
import { lookupIdentity } from "../box/runtime_files.ts";
import { Spawner } from "../box/spawner.ts";
import type { Limits, Permissions } from "../config/config.ts";
import { type Child, type ChildOrder, spawnChild } from "../os/child_process.ts";
import { closePath, openPath, type Ruleset } from "../os/landlock.ts";
import { program } from "../os/program.ts";
import { ExecutorProcess, type ProcessOrder } from "./executor_process.ts";
import { permissionFlags } from "./permissions.ts";
import { PidFiles } from "./pid_files.ts";
import { type ExecutorProgram, scriptOf, writeProgram } from "./program.ts";
import { type Boot, type Code, SCHEMA_LENGTH_MAX } from "./protocol.ts";
import { holdExecutor } from "./spawn.ts";

/** The purpose of one kind of executor process. */
export interface ExecutorSpec {
  /** Handlers that may run in it, by name. */
  readonly handlers: ReadonlyMap<string, HandlerCode>;
  readonly permissions: Permissions;
  /** Size of its JavaScript heap. */
  readonly memoryBytes: number;
  /** Whether the kernel leaves it all that the daemon's user may do. */
  readonly isUnconfined?: boolean;
  /** A file to try the kernel's box with; it is not tried without one. */
  readonly canary?: string;
  /** Whether the runtime lets it do everything, so that nothing but the kernel holds it. */
  readonly isUnguarded?: boolean;
}

export interface LaunchOptions {
  readonly limits: Pick<Limits, "requestBytes" | "resultBytes">;
  readonly kernel: Kernel;
  /** A variable of the daemon's environment, for actions that may read it. */
  readonly variable: (name: string) => string | undefined;
}

const MEBIBYTE = 1024 * 1024;
/** How many times as long as it was written a number may print: 1e20. */
const PRINTED_TIMES = 6;
/** Schemas of input and output come in one frame. A character has at most 3 bytes there. */
const SCHEMAS_BYTES = 2 * 3 * SCHEMA_LENGTH_MAX;
/** Room for what goes beside a request, a result or schemas in a frame: secrets, log lines. */
const FRAME_EXTRA_BYTES = 4 * MEBIBYTE;
const LOG_LINES = 200;

export class Launcher {
  /** Stripped once: the same handler runs in many processes. */
  readonly #scripts = new Map<HandlerCode, Code>();
  readonly #spawners = new Map<string, { readonly spawner: Spawner; readonly names: string }>();
  /** Where permitted paths led at the start, by path. */
  readonly #settled = new Map<string, number | null>();

  private constructor(
    readonly program: ExecutorProgram,
    private readonly options: LaunchOptions,
    private readonly pidFiles: PidFiles,
  ) {}

  /**
   * `directory` holds what executors load, and which of them are on record, which are ended: it is
   * the caller's alone, of a state directory whose lock it holds or made for the occasion.
   */
  static async open(directory: string, options: LaunchOptions): Promise<Launcher> {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const pidFiles = new PidFiles(directory);
    await pidFiles.endPredecessors();
    return new Launcher(writeProgram(directory), options, pidFiles);
  }

  /**
   * Ends the threads that executors are started from. To be called when all of these have ended.
   */
  close(): void {
    for (const { spawner } of this.#spawners.values()) spawner.close();
    this.#spawners.clear();
    for (const descriptor of this.#settled.values()) {
      if (descriptor !== null) closePath(descriptor);
    }
    this.#settled.clear();
  }

  /**
   * Settles where permitted paths lead: they are opened now and not again, so that nothing is
   * gained by swapping a link in one later.
   */
  settlePaths({ permissions: { read, write, run } }: ExecutorSpec): void {
    for (const path of [...read, ...write, ...run]) {
      if (!this.#settled.has(path)) this.#settled.set(path, openPath(path));
    }
  }

  /** A process that cannot be started has ended before it was ready. */
  start(spec: ExecutorSpec, onExit: ProcessOrder["onExit"] = () => {}): ExecutorProcess {
    const { spawned, spawner } = this.#spawn(spec);
    let record: string | undefined;
    return new ExecutorProcess({
      spawned: spawned.then((child) => holdExecutor(child, spec.permissions)),
      boot: this.#bootOf(spec),
      frameBytesMax: FRAME_EXTRA_BYTES +
        Math.max(2 * this.options.limits.resultBytes, SCHEMAS_BYTES),
      onStart: (pid) => record = this.pidFiles.add(pid),
      onExit: (exit) => {
        if (record !== undefined) this.pidFiles.remove(record);
        spawner?.ended();
        onExit(exit);
      },
    });
  }

  #spawn(spec: ExecutorSpec): { spawned: Promise<Child>; spawner: Spawner | null } {
    const { ruleset, entry } = spec.isUnconfined === true
      ? noBox()
      : boxOf(spec.permissions, this.program.files, this.options.kernel);
    if (ruleset === null) {
      const spawned = Promise.resolve().then(() => spawnChild(this.#orderOf(spec, entry)));
      return { spawned, spawner: null };
    }
    const spawner = this.#spawnerOf(spec, this.#withSettled(ruleset));
    const orderFrom = (thread: number) => this.#orderOf(spec, { ...entry, spawner: thread });
    const spawned = spawner.start(orderFrom);
    if (spec.permissions.run.length > 0) spawner.retire(); // it starts no other
    return { spawned, spawner };
  }

  /** A permitted path that led nowhere at the start leads nowhere. */
  #withSettled(ruleset: Ruleset): Ruleset {
    const paths = ruleset.paths.flatMap((rule) => {
      const descriptor = this.#settled.get(rule.path);
      if (descriptor === undefined) return [rule];
      return descriptor === null ? [] : [{ ...rule, descriptor }];
    });
    return { ...ruleset, paths };
  }

  /**
   * Executors with the same rules share one. One that may run programs has its own: programs may
   * signal, and in Landlock's eyes whatever the same thread started is one. Another takes over when
   * the files that names are looked up in were replaced, or when its thread was not restricted.
   */
  #spawnerOf({ permissions }: ExecutorSpec, ruleset: Ruleset): Spawner {
    if (permissions.run.length > 0) return new Spawner(ruleset);
    const key = JSON.stringify(ruleset);
    const names = permissions.net.length > 0 ? lookupIdentity() : "";
    const known = this.#spawners.get(key);
    if (known?.names === names && !known.spawner.isBroken) return known.spawner;
    known?.spawner.retire();
    const spawner = new Spawner(ruleset);
    this.#spawners.set(key, { spawner, names });
    return spawner;
  }

  #orderOf(
    { permissions, memoryBytes, isUnguarded, canary }: ExecutorSpec,
    entry: Entry,
  ): ChildOrder {
    const { main, importMap, modules } = this.program;
    const readable = { ...permissions, read: [...permissions.read, modules] };
    return {
      path: program.runtime,
      args: [
        "run",
        ...FLAGS,
        `--import-map=${pathToFileURL(importMap).href}`,
        `--v8-flags=--max-old-space-size=${Math.ceil(memoryBytes / MEBIBYTE)}`,
        ...(isUnguarded === true ? ["--allow-all"] : ["--allow-ffi", ...permissionFlags(readable)]),
        pathToFileURL(main).href, // a path with # or ? would be read as an address
        JSON.stringify(entry),
        ...(canary === undefined ? [] : [canary]),
      ],
      environment: environmentOf(permissions, main, this.options.variable),
    };
  }

  #bootOf({ handlers }: ExecutorSpec): Boot {
    const { requestBytes, resultBytes } = this.options.limits;
    return {
      kind: "boot",
      library: this.program.library,
      handlers: [...handlers].map(([name, code]) => [name, this.#scriptOf(code)]),
      limits: {
        frameBytes: PRINTED_TIMES * requestBytes + FRAME_EXTRA_BYTES,
        resultLength: resultBytes,
        logLines: LOG_LINES,
      },
    };
  }

  #scriptOf(handler: HandlerCode): Code {
    const script = this.#scripts.get(handler) ?? scriptOf(handler);
    this.#scripts.set(handler, script);
    return script;
  }
}

const FLAGS = [
  "--quiet",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--no-remote",
  "--no-npm",
  // without it a handler that narrows a worker of its own would end its process
  "--unstable-worker-options",
];

/** An environment variable that every executor has. */
export const VARIABLE = "DENO_DIR";

/**
 * DENO_DIR is inside of a file and thus nowhere: the runtime would keep code there, and whatever a
 * handler gives to the Cache API, which needs no permission.
 */
function environmentOf(
  { env }: Permissions,
  file: string,
  variable: (name: string) => string | undefined,
): Record<string, string> {
  const ours = { [VARIABLE]: join(file, "nowhere"), NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  const permitted = env.filter((name) => !(name in ours)).flatMap((name) => {
    const value = variable(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(permitted), ...ours };
}
