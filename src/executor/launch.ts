/** From what an executor is for to the process that is started, and the first message to it. */

import type { HandlerCode } from "../actions/pin.ts";
import { bootOf, frameBytesMax, type LaunchLimits, type Purpose } from "./boot.ts";
import { executorOrder } from "./command_line.ts";
import { ExecutorProcess, type ProcessOrder } from "./executor_process.ts";
import { writeProgram } from "./executor_program.ts";
import { writeImportMap } from "./import_map.ts";
import { type ExecutorLayout, harnessOf, layoutOf } from "./layout.ts";
import type { Code } from "./protocol.ts";
import { ExecutorRecords } from "./records.ts";
import { scriptOf } from "./scripts.ts";
import { spawnExecutor } from "./spawn.ts";

/** An executor with what may run in it. */
export interface Employment extends Purpose {
  /** By name. */
  readonly handlers: ReadonlyMap<string, HandlerCode>;
}

export interface LaunchOptions {
  readonly limits: LaunchLimits;
  /** A variable of the daemon's environment, for actions that are granted it. */
  readonly variable: (name: string) => string | undefined;
}

export class Launcher {
  /** Stripped once: the same handler runs in many processes. */
  readonly #scripts = new Map<HandlerCode, Code>();

  private constructor(
    readonly layout: ExecutorLayout,
    private readonly harness: Code,
    private readonly options: LaunchOptions,
    readonly records: ExecutorRecords,
  ) {}

  /**
   * `directory` holds what executors load, and which of them are on record, which are ended: it is the caller's alone, of a
   * state directory whose lock it holds or made for the occasion.
   */
  static async open(directory: string, options: LaunchOptions): Promise<Launcher> {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const records = new ExecutorRecords(directory);
    await records.endPredecessors();
    const layout = layoutOf(directory);
    writeImportMap(layout);
    writeProgram(layout);
    return new Launcher(layout, harnessOf(layout), options, records);
  }

  /** Throws when the process cannot be started. */
  start(employment: Employment, ended: ProcessOrder["ended"]): ExecutorProcess {
    const { limits, variable } = this.options;
    const handlers = Array.from(
      employment.handlers,
      ([name, code]): [string, Code] => [name, this.#scriptOf(code)],
    );
    return new ExecutorProcess({
      spawned: spawnExecutor(
        executorOrder(this.layout, employment, variable),
        employment.permissions,
      ),
      boot: bootOf(this.harness, handlers, employment, limits),
      frameBytesMax: frameBytesMax(limits),
      started: (pid) => this.records.add(pid),
      ended: (end) => {
        this.records.remove(end.pid);
        ended(end);
      },
    });
  }

  #scriptOf(handler: HandlerCode): Code {
    const script = this.#scripts.get(handler) ?? scriptOf(handler);
    this.#scripts.set(handler, script);
    return script;
  }
}
