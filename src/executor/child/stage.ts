/**
 * The worker of an executor: starts it, hands runs to it, tells the daemon how they ended, and replaces it.
 *
 * Invariants: a run ends once; a worker that has ended is known to be gone before the next one is offered, because what
 * still ran in it could meddle with the next run; when that cannot be had, the whole process ends; and none starts before the
 * daemon has heard of an outcome, because until then the limits of the run hold, under which it may end the process.
 */

import { NESTING_DEPTH_MAX } from "../../core/limits.ts";
import type { Boot, Code, Describe, Run, ToDaemon } from "../protocol.ts";
import { Berth } from "./berth.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

type Say = (message: Unsigned<ToDaemon>) => void;

type Unsigned<Message> = Message extends ToDaemon ? Omit<Message, "token"> : never;

/** How often a worker that owes an outcome is looked at: an exit makes no event. */
const PULSE_MS = 50;
/** How long a worker that has closed itself may take to be gone. */
const GONE_MS = 1_000;

export class Stage {
  readonly #boot: Boot;
  readonly #say: Say;
  readonly #harness: Blob;
  readonly #handlers: ReadonlyMap<string, Blob>;
  readonly #pending = new Set<string>();
  /** What came while no worker listened. */
  readonly #waiting: ((berth: Berth) => ToWorker)[] = [];
  /** Started with the first, and to follow it. */
  readonly #spares: Berth[] = [];
  #berth: Berth | null;
  #pulse: ReturnType<typeof setInterval> | null = null;
  /** How often in a row the worker was found gone. */
  #missed = 0;
  /** Whether the daemon has heard of the last outcome; null where it has. */
  #heard: PromiseWithResolvers<void> | null = null;

  /** Starts workers; `ready` is said when they listen. */
  constructor(boot: Boot, say: Say) {
    this.#boot = boot;
    this.#say = say;
    this.#harness = moduleOf(boot.harness);
    this.#handlers = new Map(boot.handlers.map(([name, code]) => [name, moduleOf(code)]));
    this.#berth = this.#start();
    for (let i = 0; i < boot.discipline.spares; i++) this.#spares.push(this.#start());
  }

  run({ id, handler, request, idempotencyKey, traceparent, secrets, abortAfterMs }: Run): void {
    this.#tell([id], (berth) => ({
      kind: "run",
      id,
      url: berth.urlOf(this.#handler(handler)),
      request,
      idempotencyKey,
      traceparent,
      secrets: Object.fromEntries(secrets),
      abortAfterMs,
    }));
  }

  describe({ handlers, converter }: Describe): void {
    this.#tell(handlers, (berth) => ({
      kind: "describe",
      handlers: handlers.map((handler) => ({ handler, url: berth.urlOf(this.#handler(handler)) })),
      converter: berth.urlOf(moduleOf(converter)),
    }));
  }

  /** The daemon has heard of an outcome. */
  next(): void {
    this.#heard?.resolve();
    this.#heard = null;
  }

  #start(): Berth {
    const { permissions, discipline, limits } = this.#boot;
    return new Berth({
      harness: this.#harness,
      permissions: { ...permissions, ffi: false, sys: false, import: false },
      awaited: this.#awaited(),
      begin: {
        runsMax: discipline.runsMax,
        shared: discipline.shared,
        resultLength: limits.resultLength,
        nestingDepth: NESTING_DEPTH_MAX,
        logLines: limits.logLines,
        logLength: limits.logLength,
      },
      opened: () => this.#opened(),
      said: (berth, message) => this.#hear(berth, message),
      crashed: (berth, reason) => this.#crash(berth, reason),
    });
  }

  /** A process of its own has one handler, and nothing else to run. */
  #awaited(): Blob | undefined {
    const [only, ...others] = this.#handlers.values();
    return others.length > 0 ? undefined : only;
  }

  /** All of them, since the memory of one that starts would be taken for what a run left behind. */
  #opened(): void {
    const berth = this.#berth;
    if (berth?.isOpen !== true || !this.#spares.every(({ isOpen }) => isOpen)) return;
    if (this.#waiting.length === 0) return this.#say({ kind: "ready" });
    for (const order of this.#waiting.splice(0)) berth.tell(order(berth));
  }

  #hear(berth: Berth, message: Exclude<FromWorker, { kind: "open" }>): void {
    if (berth !== this.#berth) return;
    switch (message.kind) {
      case "log":
        if (this.#pending.has(message.id)) {
          this.#say({ kind: "log", id: message.id, line: message.line });
        }
        return;
      case "succeeded":
        if (this.#end(message.id)) {
          this.#conclude({ kind: "succeeded", id: message.id, result: message.result });
        }
        return this.#follow(berth, message.last);
      case "failed":
        if (this.#end(message.id)) {
          this.#conclude({
            kind: "failed",
            id: message.id,
            code: message.code,
            reason: message.reason,
          });
        }
        return this.#follow(berth, message.last);
      default:
        if (this.#end(message.handler)) this.#conclude(message);
        if (this.#pending.size === 0) this.#follow(berth, true);
    }
  }

  /** Says how it ended. Of a process that is shared nobody lifts a limit. */
  #conclude(outcome: Unsigned<ToDaemon>): void {
    this.#say(outcome);
    if (!this.#boot.discipline.shared) this.#heard ??= Promise.withResolvers();
  }

  /** false when that run has ended before. */
  #end(id: string): boolean {
    const ended = this.#pending.delete(id);
    if (this.#pending.size === 0 && this.#pulse !== null) {
      clearInterval(this.#pulse);
      this.#pulse = null;
    }
    return ended;
  }

  /** Twice, because a worker that has just ended may have said how, and that message may still be on its way. */
  #look(): void {
    if (this.#berth === null || this.#berth.isAlive()) this.#missed = 0;
    else if (++this.#missed > 1) this.#crash(this.#berth, "the worker exited");
  }

  #crash(berth: Berth, reason: string): void {
    if (!berth.isOpen) Deno.exit(1); // the harness itself does not load: another worker would not either
    if (berth !== this.#berth) return;
    for (const id of [...this.#pending]) {
      this.#end(id);
      this.#conclude({ kind: "crashed", id, reason: reason.slice(0, this.#boot.limits.logLength) });
    }
    void this.#replace(berth);
  }

  #follow(berth: Berth, last: boolean): void {
    if (last) void this.#replace(berth);
    else if (!this.#boot.discipline.shared) this.#say({ kind: "ready" });
  }

  async #replace(berth: Berth): Promise<void> {
    this.#berth = null;
    this.#missed = 0;
    berth.close();
    if (!this.#boot.discipline.successor) return;
    const deadline = performance.now() + GONE_MS;
    while (berth.isAlive()) {
      if (performance.now() > deadline) Deno.exit(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await this.#heard?.promise;
    this.#berth = this.#spares.shift() ?? this.#start();
    this.#opened();
  }

  #tell(ids: readonly string[], order: (berth: Berth) => ToWorker): void {
    for (const id of ids) this.#pending.add(id);
    this.#pulse ??= setInterval(() => this.#look(), PULSE_MS);
    if (this.#berth?.isOpen === true) this.#berth.tell(order(this.#berth));
    else this.#waiting.push(order);
  }

  #handler(name: string): Blob {
    const handler = this.#handlers.get(name);
    if (handler === undefined) throw new TypeError("a run for a handler that was never sent");
    return handler;
  }
}

function moduleOf({ text, language }: Code): Blob {
  return new Blob([text], {
    type: language === "typescript" ? "application/typescript" : "text/javascript",
  });
}
