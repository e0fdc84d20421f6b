/**
 * The one worker of an executor: starts it, hands runs to it, tells the daemon how they ended, and replaces it.
 *
 * Invariants: a run ends once; a worker that has ended is known to be gone before the next one is offered, because what
 * still ran in it could meddle with the next run; when that cannot be had, the whole process ends; and none starts before the
 * daemon has heard of an outcome, because until then the limits of the run hold, under which it may end the process.
 */

import { stripTypeScriptTypes } from "node:module";
import { NESTING_DEPTH_MAX } from "../../core/limits.ts";
import type { Boot, Code, Describe, Run, ToDaemon } from "../protocol.ts";
import type { Begin, FromWorker, ToWorker } from "./messages.ts";

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
  /** Of this worker alone: one that it revokes is not missed by the next. */
  readonly #urls = new Map<Blob, string>();
  readonly #pending = new Set<string>();
  /** What came while no worker listened. */
  readonly #waiting: ToWorker[] = [];
  #worker: Worker | null = null;
  #port: MessagePort | null = null;
  #open = false;
  #pulse: ReturnType<typeof setInterval> | null = null;
  /** How often in a row the worker was found gone. */
  #missed = 0;
  /** Whether the daemon has heard of the last outcome; null where it has. */
  #heard: PromiseWithResolvers<void> | null = null;

  constructor(boot: Boot, say: Say) {
    this.#boot = boot;
    this.#say = say;
    this.#harness = moduleOf(boot.harness);
    this.#handlers = new Map(boot.handlers.map(([name, code]) => [name, moduleOf(code)]));
  }

  /** Starts a worker; `ready` is said when it listens. */
  open(): void {
    const { permissions, discipline, limits } = this.#boot;
    const worker = new Worker(this.#url(this.#harness), {
      type: "module",
      deno: { permissions: { ...permissions, ffi: false, sys: false, import: false } },
    });
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (event: MessageEvent<FromWorker>) => this.#hear(worker, event.data);
    worker.addEventListener("error", (event) => {
      event.preventDefault(); // else it ends this process
      this.#crash(worker, event.message);
    });
    this.#worker = worker;
    this.#port = port1;
    const begin: Begin = {
      port: port2,
      awaited: this.#awaited(),
      runsMax: discipline.runsMax,
      shared: discipline.shared,
      resultLength: limits.resultLength,
      nestingDepth: NESTING_DEPTH_MAX,
      logLines: limits.logLines,
      logLength: limits.logLength,
    };
    worker.postMessage(begin, [port2]);
  }

  run({ id, handler, request, idempotencyKey, traceparent, secrets, abortAfterMs }: Run): void {
    this.#tell(id, {
      kind: "run",
      id,
      url: this.#url(this.#handler(handler)),
      request,
      idempotencyKey,
      traceparent,
      secrets: Object.fromEntries(secrets),
      abortAfterMs,
    });
  }

  describe({ handler, converter }: Describe): void {
    this.#tell(handler, {
      kind: "describe",
      url: this.#url(this.#handler(handler)),
      converter: this.#url(moduleOf(converter)),
    });
  }

  /** The daemon has heard of an outcome. */
  next(): void {
    this.#heard?.resolve();
    this.#heard = null;
  }

  #hear(worker: Worker, message: FromWorker): void {
    if (worker !== this.#worker) return;
    switch (message.kind) {
      case "open":
        this.#open = true;
        if (this.#waiting.length === 0) return this.#say({ kind: "ready" });
        for (const order of this.#waiting.splice(0)) this.#port?.postMessage(order);
        return;
      case "log":
        if (this.#pending.has(message.id)) this.#say({ kind: "log", id: message.id, line: message.line });
        return;
      case "succeeded":
        if (this.#end(message.id)) {
          this.#conclude({ kind: "succeeded", id: message.id, result: message.result });
        }
        return this.#follow(worker, message.last);
      case "failed":
        if (this.#end(message.id)) {
          this.#conclude({ kind: "failed", id: message.id, code: message.code, reason: message.reason });
        }
        return this.#follow(worker, message.last);
      default:
        for (const handler of [...this.#pending]) {
          if (this.#end(handler)) this.#conclude({ ...message, handler });
        }
        return this.#follow(worker, true);
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
    if (this.#worker === null || isAlive(this.#worker)) this.#missed = 0;
    else if (++this.#missed > 1) this.#crash(this.#worker, "the worker exited");
  }

  #crash(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    if (!this.#open) Deno.exit(1); // the harness itself does not load: another worker would not either
    for (const id of [...this.#pending]) {
      this.#end(id);
      this.#conclude({ kind: "crashed", id, reason: reason.slice(0, this.#boot.limits.logLength) });
    }
    void this.#replace(worker);
  }

  #follow(worker: Worker, last: boolean): void {
    if (last) void this.#replace(worker);
    else if (!this.#boot.discipline.shared) this.#say({ kind: "ready" });
  }

  async #replace(worker: Worker): Promise<void> {
    this.#worker = null;
    this.#open = false;
    this.#missed = 0;
    this.#port?.close();
    for (const url of this.#urls.values()) URL.revokeObjectURL(url);
    this.#urls.clear();
    if (!this.#boot.discipline.successor) return;
    const deadline = performance.now() + GONE_MS;
    while (isAlive(worker)) {
      if (performance.now() > deadline) Deno.exit(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await this.#heard?.promise;
    this.open();
  }

  #tell(id: string, order: ToWorker): void {
    this.#pending.add(id);
    this.#pulse ??= setInterval(() => this.#look(), PULSE_MS);
    if (this.#open) this.#port?.postMessage(order);
    else this.#waiting.push(order);
  }

  /** A process of its own has one handler, and nothing else to run. */
  #awaited(): string | null {
    const [only, ...others] = this.#handlers.values();
    return only === undefined || others.length > 0 ? null : this.#url(only);
  }

  #handler(name: string): Blob {
    const handler = this.#handlers.get(name);
    if (handler === undefined) throw new TypeError("a run for a handler that was never sent");
    return handler;
  }

  #url(module: Blob): string {
    const url = this.#urls.get(module) ?? URL.createObjectURL(module);
    this.#urls.set(module, url);
    return url;
  }
}

/** A module of these characters, or of what is left of them without types. */
function moduleOf({ text, language }: Code): Blob {
  const script = language === "typescript" ? withoutTypes(text) : text;
  return new Blob([script ?? text], { type: script === null ? "application/typescript" : "text/javascript" });
}

/**
 * Blanks out the types, once, so that the runtime need not do it again in every worker. null for syntax that is more than
 * types, such as enums, which is left to the runtime.
 */
function withoutTypes(text: string): string | null {
  try {
    return stripTypeScriptTypes(text);
  } catch {
    return null;
  }
}

/** The runtime says nothing when a worker exits, but takes a message's buffer away only for one that is there to get it. */
function isAlive(worker: Worker): boolean {
  const buffer = new ArrayBuffer(1);
  worker.postMessage(buffer, [buffer]);
  return buffer.detached;
}
