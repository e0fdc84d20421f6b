/**
 * One executor process, as the daemon holds it.
 *
 * Invariants: a message counts only if it carries this process's token; a run's report is taken once; a process that says
 * anything else is ended; and one that ended answers for nothing any more.
 */

import { nextTick } from "node:process";
import { hexEncode } from "../core/bytes.ts";
import { ProcessMemory } from "./process_memory.ts";
import {
  type Boot,
  type Describe,
  frameOf,
  FrameReader,
  parseToDaemon,
  type Run,
  type ToDaemon,
  type ToExecutor,
} from "./protocol.ts";
import type { Spawned } from "./spawn.ts";

/** How a run ended, in the executor's words. `reason` may hold anything the handler wrote. */
export type Report =
  | { readonly kind: "succeeded"; readonly result: string }
  | {
    readonly kind: "failed";
    readonly code: "handler_failed" | "result_invalid";
    readonly reason: string;
  }
  | { readonly kind: "crashed"; readonly reason: string }
  /** The process ended first. */
  | { readonly kind: "gone"; readonly reason: string };

export type Description =
  | { readonly kind: "described"; readonly input: string; readonly output: string }
  | { readonly kind: "undescribed"; readonly reason: string };

export interface ProcessOrder {
  readonly spawned: Spawned;
  readonly boot: Omit<Boot, "token">;
  /** Bound of one frame from the process. */
  readonly frameBytesMax: number;
  /** Called once it runs and before it is sent any code. Throws to have it ended, of which nothing more is told. */
  readonly started: (pid: number) => void;
  /** Called when it has ended. */
  readonly ended: (end: ProcessEnd) => void;
}

export interface ProcessEnd {
  readonly pid: number;
  readonly reason: string;
  /** `retired` by whoever held it, `worn` by what ran in it and to be replaced, or `died`, which nobody asked for. */
  readonly kind: "retired" | "worn" | "died";
}

interface Pending {
  readonly report: (report: Report) => void;
  readonly line: (line: string) => void;
  lines: number;
}

/** How long a process may take until it can take a run: minutes of load, not of work. */
const READY_MS = 60_000;

/** What it says while it dies: enough for a panic's first lines. */
const STDERR_BYTES_MAX = 16_384;

export class ExecutorProcess {
  readonly #token = hexEncode(crypto.getRandomValues(new Uint8Array(16)));
  readonly #spawned: Spawned;
  readonly #reader: FrameReader;
  readonly #runs = new Map<string, Pending>();
  readonly #forgotten = new Set<string>();
  readonly #descriptions = new Map<string, (description: Description | null) => void>();
  readonly exited: Promise<void>;
  #ready = Promise.withResolvers<boolean>();
  #end: ProcessEnd["kind"] = "died";
  #gone = false;
  #wasReady = false;
  #isReady = false;
  #violation: string | null = null;
  #late: ReturnType<typeof setTimeout> | undefined;
  readonly #memory: ProcessMemory;
  #stderr = "";

  /** Throws when it could not be put on record. */
  constructor(private readonly order: ProcessOrder) {
    this.#reader = new FrameReader(order.frameBytesMax);
    this.#spawned = order.spawned;
    this.#memory = new ProcessMemory(this.pid, order.boot.discipline);
    try {
      order.started(this.pid);
    } catch (error) {
      this.#spawned.discard();
      throw error;
    }
    this.exited = this.#spawned.exited.then((reason) => this.#bury(reason));
    this.#spawned.channel.on("data", (chunk: Uint8Array) => this.#read(chunk));
    this.#keepStderr();
    this.#awaitReady();
    this.#send({ ...order.boot, token: this.#token });
  }

  get pid(): number {
    return this.#spawned.pid;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Whether it ever could take a run. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** Runs in flight. */
  get running(): number {
    return this.#runs.size;
  }

  /** Whether it can take a run now. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves to true when it can take a run, to false when it ended before. */
  ready(): Promise<boolean> {
    return this.#ready.promise;
  }

  /** Never rejects. `line` gets each line of the handler's log. */
  run(run: Omit<Run, "kind">, line: (line: string) => void): Promise<Report> {
    if (this.#gone) return Promise.resolve({ kind: "gone", reason: "it had ended" });
    if (!this.order.boot.discipline.shared) this.#awaitReady();
    this.#stderr = "";
    const { promise, resolve } = Promise.withResolvers<Report>();
    this.#runs.set(run.id, { report: resolve, line, lines: 0 });
    this.#send({ kind: "run", ...run });
    return promise;
  }

  /** Of each of the handlers, in their order; null for one that it ended before. */
  describe(describe: Omit<Describe, "kind">): Promise<(Description | null)[]> {
    if (this.#gone) return Promise.resolve(describe.handlers.map(() => null));
    this.#awaitReady();
    const descriptions = describe.handlers.map((handler) => {
      const { promise, resolve } = Promise.withResolvers<Description | null>();
      this.#descriptions.set(handler, resolve);
      return promise;
    });
    this.#send({ kind: "describe", ...describe });
    return Promise.all(descriptions);
  }

  /** Until the next outcome it may map `bytes` more, heap and everything else together. false when that cannot be had. */
  limitGrowth(bytes: number): boolean {
    return this.#memory.limit(bytes);
  }

  /** What is still under way under that id is nobody's any more: its outcome, should there be one, is not taken. */
  forget(id: string): void {
    if (this.#runs.delete(id)) this.#forgotten.add(id);
  }

  /** Ends it at once, as planned. */
  retire(): void {
    this.#end = "retired";
    this.#spawned.kill();
  }

  /** Ends it at once, because of what it did. */
  kill(): void {
    this.#spawned.kill();
  }

  /** What is said in one turn of the event loop leaves at once: what was reserved together starts together. */
  #send(message: ToExecutor): void {
    const { channel } = this.#spawned;
    if (channel.writableCorked === 0) {
      channel.cork();
      nextTick(() => channel.uncork());
    }
    channel.write(frameOf(message));
  }

  #read(chunk: Uint8Array): void {
    if (this.#violation !== null) return;
    try {
      for (const frame of this.#reader.read(chunk)) {
        const message = parseToDaemon(frame, this.#token);
        if (message === undefined) throw new Error("a message that is not the executor's");
        this.#hear(message);
      }
    } catch (error) {
      this.#refuse(error instanceof Error ? error.message : "a broken frame");
    }
  }

  #hear(message: ToDaemon): void {
    switch (message.kind) {
      case "ready":
        return void this.#admit();
      case "log":
        return this.#log(message.id, message.line);
      case "described":
      case "undescribed":
        this.#descriptions.get(message.handler)?.(message);
        this.#descriptions.delete(message.handler);
        return this.#descriptions.size > 0
          ? undefined
          : this.#over(() => this.#memory.readingOver());
      default:
        if (this.#forgotten.delete(message.id)) return;
        this.#take(message.id).report(message);
        return this.#over(() => this.#memory.runOver(message.kind === "succeeded"));
    }
  }

  /** What ran is over: the worker that follows does not start before its limit is lifted, since it would not under that. */
  #over(note: () => void): void {
    if (this.order.boot.discipline.shared) return;
    note();
    this.#send({ kind: "next" });
  }

  /** From here on it is expected to say that it is ready. */
  #awaitReady(): void {
    this.#isReady = false;
    this.#ready = Promise.withResolvers();
    clearTimeout(this.#late);
    this.#late = setTimeout(() => this.#refuse("it did not become ready"), READY_MS);
  }

  /** Offers it for a run, unless an earlier one has left too much in it. */
  async #admit(): Promise<void> {
    if (!this.order.boot.discipline.shared && !await this.#memory.isAsBefore()) {
      this.#end = "worn";
      return this.#refuse("an earlier run has left something in it");
    }
    clearTimeout(this.#late);
    this.#wasReady = this.#isReady = true;
    this.#ready.resolve(true);
  }

  /** Throws for more lines than the executor lets a run have. */
  #log(id: string, line: string): void {
    const pending = this.#runs.get(id);
    if (pending === undefined) return;
    if (++pending.lines > this.order.boot.limits.logLines + 1) throw new Error("too many lines");
    pending.line(line);
  }

  #refuse(reason: string): void {
    this.#violation ??= reason;
    this.kill();
  }

  /** Throws for a run that it was not handed, or has reported before. */
  #take(id: string): Pending {
    const pending = this.#runs.get(id);
    if (pending === undefined || !this.#runs.delete(id)) {
      throw new Error("an outcome of no run in flight");
    }
    return pending;
  }

  #bury(exit: string): void {
    this.#gone = true;
    this.#isReady = false;
    clearTimeout(this.#late);
    const reason = this.#violation ?? [exit, this.#stderr].filter((part) => part !== "").join(": ");
    this.#ready.resolve(false);
    for (const { report } of this.#runs.values()) report({ kind: "gone", reason });
    for (const answer of this.#descriptions.values()) answer(null);
    this.#runs.clear();
    this.#forgotten.clear();
    this.#descriptions.clear();
    this.#spawned.discard();
    this.order.ended({ pid: this.pid, reason, kind: this.#end });
  }

  #keepStderr(): void {
    const { stderr } = this.#spawned;
    const decoder = new TextDecoder();
    stderr.on("data", (chunk: Uint8Array) => {
      this.#stderr += decoder.decode(chunk, { stream: true });
      if (this.#stderr.length < STDERR_BYTES_MAX) return;
      this.#stderr = this.#stderr.slice(0, STDERR_BYTES_MAX);
      stderr.destroy(); // whoever goes on writing gets an error, and costs the daemon nothing
    });
  }
}
