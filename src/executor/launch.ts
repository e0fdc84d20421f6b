/** From what an executor is for to the process that is started, and the first message to it. */

import { join } from "node:path";
import type { HandlerCode } from "../actions/pin.ts";
import { type ChildOrder, isChild, wasStartedBy } from "../os/child_process.ts";
import { bootOf, frameBytesMax, type LaunchLimits, type Purpose, termsOf } from "./boot.ts";
import { executorOrder } from "./command_line.ts";
import type { BegunExaminer } from "./examiner.ts";
import { ExecutorProcess, type ProcessOrder } from "./executor_process.ts";
import { writeProgram } from "./executor_program.ts";
import { NO_GRANTS } from "./grants.ts";
import { writeImportMap } from "./import_map.ts";
import { type ExecutorLayout, harnessOf, layoutOf } from "./layout.ts";
import type { Boot, Code } from "./protocol.ts";
import { ExecutorRecords } from "./records.ts";
import { Scripts } from "./scripts.ts";
import { holdExecutor, type Spawned, spawnExecutor } from "./spawn.ts";

/** An executor with what may run in it. */
export interface Employment extends Purpose {
  /** By name. */
  readonly handlers: ReadonlyMap<string, HandlerCode>;
}

export interface LaunchOptions {
  readonly limits: LaunchLimits;
  /** A variable of the daemon's environment, for actions that are granted it. */
  readonly variable: (name: string) => string | undefined;
  /** What may be the first executor, begun already: it is taken or ended. */
  readonly examiner?: BegunExaminer | null;
}

export class Launcher {
  readonly #prepared = new Map<HandlerCode, Code>();
  #examiner: BegunExaminer | null;

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
    return new Launcher(
      layout,
      harnessOf(layout),
      scripts,
      options,
      records,
      !isMapNew && !isProgramNew,
    );
  }

  /** To be called with the code of handlers before one is started that is to run them. */
  async prepare(handlers: Iterable<HandlerCode>): Promise<void> {
    for (const handler of handlers) this.#prepared.set(handler, await this.scripts.of(handler));
    this.scripts.keep();
  }

  /** Throws when the process cannot be started. */
  start(employment: Employment, ended: ProcessOrder["ended"]): ExecutorProcess {
    const { limits, variable } = this.options;
    const handlers = Array.from(
      employment.handlers,
      ([name, code]) => [name, this.#scriptOf(code)] as const,
    );
    const boot = bootOf(this.harness, employment, limits);
    return new ExecutorProcess({
      ...this.#spawn(executorOrder(this.layout, employment, variable), boot, employment),
      boot,
      handlers,
      frameBytesMax: frameBytesMax(limits),
      started: (pid) => this.records.add(pid),
      ended: (end) => {
        this.records.remove(end.pid);
        ended(end);
      },
    });
  }

  #spawn(
    order: ChildOrder,
    boot: Boot,
    { grants }: Employment,
  ): Pick<ProcessOrder, "spawned" | "isBooted"> {
    const examiner = this.#takeExaminer(order, boot);
    return { spawned: examiner ?? spawnExecutor(order, grants), isBooted: examiner !== null };
  }

  /** What was begun, for the first who asks, if it is what `order` and `boot` would make; else it is ended. */
  #takeExaminer(order: ChildOrder, boot: Boot): Spawned | null {
    const begun = this.#examiner;
    this.#examiner = null;
    if (begun === null || !isChild(begun.child.pid)) return null;
    const isSame = wasStartedBy(begun.child.pid, order) && begun.terms === termsOf(boot);
    try {
      const spawned = holdExecutor(begun.child, NO_GRANTS);
      if (this.isCurrent && isSame) return spawned;
      spawned.discard();
    } catch {
      // it has ended: an earlier version's program may not understand what it is told
    }
    return null;
  }

  #scriptOf(handler: HandlerCode): Code {
    const script = this.#prepared.get(handler);
    if (script === undefined) throw new TypeError(`${handler.file} was not prepared`);
    return script;
  }
}
