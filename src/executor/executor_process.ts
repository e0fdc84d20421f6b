/**
 * One executor process, as the daemon holds it.
 *
 * Invariants: a process is handed one handler's code, or our own built-ins, and answers for nothing
 * else; an answer is taken once, and only for what it was asked; a process that says anything else
 * is ended; one that ended answers for nothing any more.
 */

import type { Text } from "../core/bytes.ts";
import { nextTick } from "node:process";
import { dataBytesOf, RLIMIT_DATA, setLimit } from "../os/process.ts";
import {
  type Boot,
  type Check,
  type Describe,
  FrameReader,
  framesOf,
  inOneWrite,
  parseToDaemon,
  type Run,
  type ToDaemon,
  type ToExecutor,
} from "./protocol.ts";
import type { Exit } from "../os/child_process.ts";
import type { Spawned } from "./spawn.ts";

/** How a run ended, in the executor's words. `reason` may hold anything the handler wrote. */
export type Report =
  | { readonly kind: "succeeded"; readonly result: string }
  | {
    readonly kind: "failed";
    readonly code: "handler_failed" | "result_invalid";
    readonly reason: string;
    /** The public reason of a handler, uncut. */
    readonly publicReason: string | null;
  }
  /** The process ended itself first. */
  | { readonly kind: "crashed"; readonly reason: string }
  /** The process was ended first, by the kernel or by the daemon. */
  | { readonly kind: "gone"; readonly reason: string };

export type Description = Extract<ToDaemon, { readonly kind: "described" | "undescribed" }>;

/** `issue` is null where the payload fits. */
export type Checked = { readonly issue: string | null };

export interface ProcessOrder {
  /** Rejects when it cannot be started. */
  readonly spawned: Promise<Spawned>;
  readonly boot: Boot;
  /** Bound of one frame from the process. */
  readonly frameBytesMax: number;
  /** Called once it runs and before it is sent any code. Throws to have it ended. */
  readonly onStart: (pid: number) => void;
  readonly onExit: (exit: ProcessExit) => void;
}

export interface ProcessExit {
  readonly pid: number;
  readonly reason: string;
  /** Whether the daemon ended it because it was done with it. */
  readonly isRetired: boolean;
}

interface Pending {
  readonly report: (report: Report) => void;
  readonly line: (line: string) => void;
  linesLeft: number;
}

/** How long a process may take until it can take a run: minutes of load, not of work. */
const READY_MS = 60_000;
const LAST_WORDS_BYTES_MAX = 16_384;

export class ExecutorProcess {
  readonly exited: Promise<void>;
  /** Doors that the kernel left open, once it is ready; null where none was tried. */
  openDoors: readonly string[] | null = null;
  #spawned: Spawned | null = null;
  readonly #reader: FrameReader;
  readonly #runs = new Map<string, Pending>();
  /** Runs whose time was over: their outcome is nobody's any more. */
  readonly #forgotten = new Set<string>();
  readonly #checks = new Map<string, (checked: Checked | null) => void>();
  readonly #descriptions = new Map<string, (description: Description | null) => void>();
  readonly #ready = Promise.withResolvers<boolean>();
  readonly #late: ReturnType<typeof setTimeout>;
  #isRetired = false;
  #isEnded = false;
  #isGone = false;
  #isReady = false;
  #violation: string | null = null;
  /** How many lines of logs it may still send, for its runs and, late, for one that has ended. */
  #linesLeft = 0;
  /** Sent in this turn, and not written yet. */
  readonly #outgoing: Uint8Array[] = [];
  #stderr = "";

  constructor(private readonly order: ProcessOrder) {
    this.#reader = new FrameReader(order.frameBytesMax);
    this.#late = setTimeout(() => this.#refuse("it did not become ready"), READY_MS);
    this.exited = order.spawned.then((spawned) => this.#hold(spawned)).catch((error: unknown) => {
      this.#stderr = error instanceof Error ? error.message : "no start";
      this.#exit({ text: "", isOwn: false });
    });
  }

  /** 0 until it is started. */
  get pid(): number {
    return this.#spawned?.pid ?? 0;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether it can take a run. */
  get isReady(): boolean {
    return this.#isReady && !this.#isGone;
  }

  get wasReady(): boolean {
    return this.#isReady;
  }

  /** Its standard error, cut, or why it could not be started. */
  get lastWords(): string {
    return this.#stderr.trim();
  }

  /** Runs in flight. */
  get running(): number {
    return this.#runs.size;
  }

  /** Resolves to true when it can take a run, to false when it ended before. */
  ready(): Promise<boolean> {
    return this.#ready.promise;
  }

  /** Never rejects. `line` gets each line of the handler's log. */
  run(run: Omit<Run<Text>, "kind">, line: (line: string) => void): Promise<Report> {
    if (this.#isGone) return Promise.resolve({ kind: "gone", reason: "it had ended" });
    const { promise, resolve } = Promise.withResolvers<Report>();
    const linesLeft = this.order.boot.limits.logLines + 1; // that some are missing is one more
    this.#runs.set(run.id, { report: resolve, line, linesLeft });
    this.#linesLeft = linesLeft + Math.min(this.#linesLeft, this.#runs.size * linesLeft);
    this.#send({ kind: "run", ...run });
    return promise;
  }

  /** Resolves to null when it ended before it could tell. */
  check(check: Omit<Check<Text>, "kind">): Promise<Checked | null> {
    if (this.#isGone) return Promise.resolve(null);
    const { promise, resolve } = Promise.withResolvers<Checked | null>();
    this.#checks.set(check.id, resolve);
    this.#send({ kind: "check", ...check });
    return promise;
  }

  /** Resolves to null when it ended before it could tell. */
  describe(describe: Omit<Describe, "kind">): Promise<Description | null> {
    if (this.#isGone) return Promise.resolve(null);
    const { promise, resolve } = Promise.withResolvers<Description | null>();
    this.#descriptions.set(describe.handler, resolve);
    this.#send({ kind: "describe", ...describe });
    return promise;
  }

  /** It may map `bytes` more than it has now, for good; false when that cannot be had. */
  limitMemory(bytes: number): boolean {
    const now = dataBytesOf(this.pid);
    return now !== null && setLimit(this.pid, RLIMIT_DATA, now + bytes);
  }

  /** Gives up on the run of that id: its outcome, should there be one, is not taken. */
  forget(id: string): void {
    if (this.#runs.delete(id)) this.#forgotten.add(id);
  }

  /** Ends it at once, as planned. */
  retire(): void {
    this.#isRetired = true;
    this.kill();
  }

  /** Ends it at once, because of what it did. */
  kill(): void {
    this.#isEnded = true;
    this.#spawned?.kill();
  }

  /** Resolves when it has ended. Rejects, with nothing left of it, when it is not on record. */
  async #hold(spawned: Spawned): Promise<void> {
    this.#spawned = spawned;
    try {
      this.order.onStart(spawned.pid);
    } catch (error) {
      spawned.discard();
      await spawned.exited;
      throw error;
    }
    spawned.channel.on("data", (chunk: Uint8Array) => this.#read(chunk));
    this.#keepStderr(spawned);
    if (this.#isEnded) spawned.kill();
    this.#send(this.order.boot);
    this.#exit(await spawned.exited);
  }

  /** Sends all messages of one turn at once: runs reserved together start together. */
  #send(message: ToExecutor<Text>): void {
    const channel = this.#spawned?.channel;
    if (channel === undefined) throw new TypeError("a message to a process that is not started");
    if (this.#outgoing.length === 0) {
      nextTick(() => inOneWrite(this.#outgoing.splice(0)).forEach((piece) => channel.write(piece)));
    }
    this.#outgoing.push(...framesOf(message));
  }

  #read(chunk: Uint8Array): void {
    if (this.#violation !== null) return;
    try {
      for (const frame of this.#reader.read(chunk)) {
        const message = parseToDaemon(frame);
        if (message === undefined) throw new Error("a message that is not the executor's");
        this.#hear(message);
      }
    } catch (error) {
      this.#refuse(error instanceof Error ? error.message : "a broken frame");
    }
  }

  /** Throws for what was not asked for. */
  #hear(message: ToDaemon): void {
    switch (message.kind) {
      case "ready":
        // said before a handler runs: another is a handler's, and what it holds would be kept
        if (this.#isReady) throw new Error("it was ready before");
        clearTimeout(this.#late);
        this.#isReady = true;
        this.openDoors = message.open;
        return this.#ready.resolve(true);
      case "log":
        return this.#log(message.id, message.line);
      case "checked":
        return taken(this.#checks, message.id)(message);
      case "described":
      case "undescribed":
        return taken(this.#descriptions, message.handler)(message);
      default:
        if (this.#forgotten.delete(message.id)) return;
        taken(this.#runs, message.id).report(message);
    }
  }

  /** Throws for more lines than the executor lets runs have, also of one that there is not. */
  #log(id: string, line: string): void {
    const pending = this.#runs.get(id);
    const isTooMany = pending !== undefined && --pending.linesLeft < 0;
    if (--this.#linesLeft < 0 || isTooMany) throw new Error("too many lines");
    pending?.line(line);
  }

  #refuse(reason: string): void {
    this.#violation ??= reason;
    this.kill();
  }

  #exit({ text, isOwn }: Exit): void {
    this.#isGone = true;
    clearTimeout(this.#late);
    const reason = this.#violation ?? [text, this.#stderr].filter((part) => part !== "").join(": ");
    const kind = isOwn && this.#violation === null ? "crashed" : "gone";
    this.#ready.resolve(false);
    for (const { report } of this.#runs.values()) report({ kind, reason });
    for (const answer of this.#checks.values()) answer(null);
    for (const answer of this.#descriptions.values()) answer(null);
    this.#spawned?.discard();
    this.order.onExit({ pid: this.pid, reason, isRetired: this.#isRetired });
  }

  #keepStderr({ stderr }: Spawned): void {
    const decoder = new TextDecoder();
    stderr.on("data", (chunk: Uint8Array) => {
      this.#stderr += decoder.decode(chunk, { stream: true });
      if (this.#stderr.length < LAST_WORDS_BYTES_MAX) return;
      this.#stderr = this.#stderr.slice(0, LAST_WORDS_BYTES_MAX);
      stderr.destroy(); // writing on is an error, and costs the daemon nothing
    });
  }
}

/** Takes what waits under `key` out of `waiting`. Throws for a key that nothing waits under. */
function taken<Waiting>(waiting: Map<string, Waiting>, key: string): Waiting {
  const found = waiting.get(key);
  if (found === undefined || !waiting.delete(key)) {
    throw new Error("an answer that nobody asked for");
  }
  return found;
}
