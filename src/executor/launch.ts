/** From what an executor is for to the process that is started, and the first message to it. */

import { join } from "node:path";
import type { Grants } from "../config/config.ts";
import type { HandlerCode } from "../actions/pin.ts";
import { readHandler } from "../actions/pin.ts";
import { type Child, type ChildOrder, isChild, wasStartedBy } from "../os/child_process.ts";
import { program } from "../os/program.ts";
import { executorOrder, type Rights } from "./command_line.ts";
import { ExecutorProcess, type ProcessOrder } from "./executor_process.ts";
import { writeProgram } from "./executor_program.ts";
import { workerPermissionsOf } from "./grants.ts";
import { writeImportMap } from "./import_map.ts";
import { type ExecutorLayout, layoutOf } from "./layout.ts";
import type { Boot, Code, Discipline } from "./protocol.ts";
import { ExecutorRecords } from "./records.ts";
import { Scripts } from "./scripts.ts";
import { holdExecutor, type Spawned, spawnExecutor } from "./spawn.ts";

/** What one kind of executor process is for. */
export interface Purpose extends Rights {
  /** Handlers by name. */
  readonly handlers: ReadonlyMap<string, HandlerCode>;
  /** Of its workers, where that is less than `grants`. */
  readonly workerGrants?: Grants;
  readonly discipline: Discipline;
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

export interface LaunchOptions {
  readonly limits: LaunchLimits;
  /** A variable of the daemon's environment, for actions that are granted it. */
  readonly variable: (name: string) => string | undefined;
  /** What may be the first executor, begun already: it is taken or ended. */
  readonly examiner?: Child | null;
}

export class Launcher {
  readonly #prepared = new Map<HandlerCode, Code>();
  #examiner: Child | null;

  private constructor(
    readonly layout: ExecutorLayout,
    private readonly harness: Code,
    private readonly scripts: Scripts,
    private readonly options: LaunchOptions,
    readonly records: ExecutorRecords,
    /** Whether an executor that was begun before this has loaded what the files hold now. */
    private readonly isCurrent: boolean,
  ) {
    this.#examiner = options.examiner ?? null;
  }

  /**
   * `directory` holds what executors load, and which of them are on record, which are ended: it is the caller's alone, of a
   * state directory whose lock it holds or made for the occasion.
   */
  static async open(directory: string, options: LaunchOptions): Promise<Launcher> {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const records = new ExecutorRecords(directory);
    await records.endPredecessors();
    const layout = layoutOf(directory);
    const scripts = new Scripts(join(directory, "scripts.json"));
    const isMapNew = await writeImportMap(layout, scripts);
    const isProgramNew = await writeProgram(layout, scripts);
    const harness = await scripts.of(await readHandler(program.worker));
    return new Launcher(layout, harness, scripts, options, records, !isMapNew && !isProgramNew);
  }

  /** To be called with the code of handlers before one is started that is to run them. */
  async prepare(handlers: Iterable<HandlerCode>): Promise<void> {
    for (const handler of handlers) this.#prepared.set(handler, await this.scripts.of(handler));
    this.scripts.keep();
  }

  /** Throws when the process cannot be started. */
  start(purpose: Purpose, ended: ProcessOrder["ended"]): ExecutorProcess {
    return new ExecutorProcess({
      spawn: () => this.#spawn(executorOrder(this.layout, purpose, this.options.variable)),
      boot: this.#bootFor(purpose),
      frameBytesMax: 2 * this.options.limits.resultBytes + FRAME_EXTRA_BYTES,
      started: (pid) => this.records.add(pid),
      ended: (end) => {
        this.records.remove(end.pid);
        ended(end);
      },
    });
  }

  /** The first is the examiner, where one was begun by this very order. */
  #spawn(order: ChildOrder): Spawned {
    const examiner = this.#examiner;
    this.#examiner = null;
    if (examiner === null || !isChild(examiner.pid)) return spawnExecutor(order);
    const held = holdExecutor(examiner);
    if (this.isCurrent && wasStartedBy(examiner.pid, order)) return held;
    held.discard();
    return spawnExecutor(order);
  }

  #bootFor({ handlers, grants, workerGrants, discipline }: Purpose): ProcessOrder["boot"] {
    const limits: Boot["limits"] = {
      frameBytes: 2 * this.options.limits.requestBytes + FRAME_EXTRA_BYTES,
      resultLength: this.options.limits.resultBytes,
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
