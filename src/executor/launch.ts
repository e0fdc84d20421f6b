/** From what an executor is for to the process that is started: flags, environment and first message. */

import { join } from "node:path";
import type { Grants } from "../config/config.ts";
import type { HandlerCode } from "../actions/pin.ts";
import { readHandler } from "../actions/pin.ts";
import { program } from "../os/program.ts";
import { ExecutorProcess, type ProcessOrder } from "./executor_process.ts";
import { executorProgram } from "./executor_program.ts";
import { flagsOf, workerPermissionsOf } from "./grants.ts";
import { type ImportMap, writeImportMap } from "./import_map.ts";
import type { Boot, Code, Discipline } from "./protocol.ts";
import { ExecutorRecords } from "./records.ts";
import { Scripts } from "./scripts.ts";

/** What one kind of executor process is for. */
export interface Purpose {
  /** Handlers by name. */
  readonly handlers: ReadonlyMap<string, HandlerCode>;
  readonly grants: Grants;
  /** Of its workers, where that is less than `grants`. */
  readonly workerGrants?: Grants;
  readonly discipline: Discipline;
  readonly memoryBytes: number;
}

export interface LaunchLimits {
  readonly requestBytes: number;
  readonly resultBytes: number;
}

const MEBIBYTE = 1024 * 1024;
/** Room for what goes beside a request or a result in a frame: secrets, schemas, log lines. */
const FRAME_EXTRA_BYTES = 4 * MEBIBYTE;
const LOG_LINES = 200;
/** Longer than what is kept in the end, so that no secret is cut in two before it is looked for. */
const LOG_LENGTH = 16_384;

export class Launcher {
  readonly #prepared = new Map<HandlerCode, Code>();

  private constructor(
    private readonly entry: string,
    private readonly importMap: ImportMap,
    private readonly harness: Code,
    private readonly scripts: Scripts,
    private readonly limits: LaunchLimits,
    /** A variable of the daemon's environment, for actions that are granted it. */
    private readonly variable: (name: string) => string | undefined,
    readonly records: ExecutorRecords,
  ) {}

  /**
   * `directory` holds the import map and what executors are on record, which are ended: it is the caller's alone, of a
   * state directory whose lock it holds or made for the occasion.
   */
  static async open(
    directory: string,
    limits: LaunchLimits,
    variable: (name: string) => string | undefined,
  ): Promise<Launcher> {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const records = new ExecutorRecords(directory);
    await records.endPredecessors();
    const scripts = new Scripts(join(directory, "scripts.json"));
    const importMap = await writeImportMap(directory, scripts);
    const harness = await scripts.of(await readHandler(program.worker));
    const entry = await executorProgram(directory, scripts);
    return new Launcher(entry, importMap, harness, scripts, limits, variable, records);
  }

  /** A file that executors could be granted to read. */
  get canary(): string {
    return this.importMap.file;
  }

  /** To be called with the code of handlers before one is started that is to run them. */
  async prepare(handlers: Iterable<HandlerCode>): Promise<void> {
    for (const handler of handlers) this.#prepared.set(handler, await this.scripts.of(handler));
    this.scripts.keep();
  }

  /** Throws when the process cannot be started. */
  start(purpose: Purpose, ended: ProcessOrder["ended"]): ExecutorProcess {
    return new ExecutorProcess({
      spawn: {
        path: program.runtime,
        args: this.#argumentsFor(purpose),
        environment: this.#environmentFor(purpose.grants),
      },
      boot: this.#bootFor(purpose),
      frameBytesMax: 2 * this.limits.resultBytes + FRAME_EXTRA_BYTES,
      started: (pid) => this.records.add(pid),
      ended: (end) => {
        this.records.remove(end.pid);
        ended(end);
      },
    });
  }

  #argumentsFor({ grants, memoryBytes }: Purpose): string[] {
    return [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-config",
      "--no-lock",
      "--no-remote",
      "--no-npm",
      "--unstable-worker-options",
      `--import-map=${this.importMap.file}`,
      `--v8-flags=--max-old-space-size=${Math.ceil(memoryBytes / MEBIBYTE)}`,
      "--allow-ffi", // for the first moment of the process's own thread: child/main.ts gives it up again
      ...flagsOf({ ...grants, read: [...grants.read, ...this.importMap.modules] }),
      this.entry,
    ];
  }

  /**
   * DENO_DIR is inside of a file and thus nowhere: the runtime would keep code there, and whatever a handler gives to the
   * Cache API, which needs no permission.
   */
  #environmentFor({ env }: Grants): Record<string, string> {
    const granted = env.flatMap((name) => {
      const value = this.variable(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    return {
      ...Object.fromEntries(granted),
      DENO_DIR: join(this.entry, "nowhere"),
      NO_COLOR: "1",
      DENO_NO_UPDATE_CHECK: "1",
    };
  }

  #bootFor({ handlers, grants, workerGrants, discipline }: Purpose): ProcessOrder["boot"] {
    const limits: Boot["limits"] = {
      frameBytes: 2 * this.limits.requestBytes + FRAME_EXTRA_BYTES,
      resultLength: this.limits.resultBytes,
      logLines: LOG_LINES,
      logLength: LOG_LENGTH,
    };
    return {
      harness: this.harness,
      handlers: [...handlers].map(([name, code]) => [name, this.#scriptOf(code)]),
      permissions: workerPermissionsOf(workerGrants ?? grants),
      discipline,
      limits,
    };
  }

  #scriptOf(handler: HandlerCode): Code {
    const script = this.#prepared.get(handler);
    if (script === undefined) throw new TypeError(`${handler.file} was not prepared`);
    return script;
  }
}
