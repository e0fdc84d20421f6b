/**
 * Starts executors from inside of their box: a thread of its own takes Landlock's restrictions upon
 * itself, for good, and whatever it starts inherits them from its first instruction on.
 *
 * Invariants: one spawner has one ruleset, and starts nothing before its thread is restricted; the
 * restrictions bind that thread alone, so the daemon keeps its own rights. The kernel ends
 * executors when the thread that started them ends (box/enter.ts), so a spawner lives as long as
 * they do.
 */

import { messageOf } from "../core/caught.ts";
import type { Child, ChildOrder } from "../os/child_process.ts";
import type { Ruleset } from "../os/landlock.ts";
import { program } from "../os/program.ts";
import { startThread } from "../os/thread.ts";

/** A message to the thread: first the ruleset, then each process to start. */
export type ToSpawner =
  | { readonly kind: "restrict"; readonly ruleset: Ruleset }
  | { readonly kind: "start"; readonly order: ChildOrder };

/** Its answers, in the order of the messages. */
export type FromSpawner =
  | { readonly kind: "restricted"; readonly thread: number }
  | { readonly kind: "started"; readonly child: Child }
  | { readonly kind: "failed"; readonly reason: string };

export class Spawner {
  /** null where no thread could be started. */
  readonly #worker: Worker | null;
  readonly #waiting: PromiseWithResolvers<FromSpawner>[] = [];
  readonly #restricted: Promise<FromSpawner>;
  /** Processes that it has started, or is to start, and that have not ended. */
  #processes = 0;
  #isRetired = false;
  /** Why its thread starts nothing. */
  #fault: string | null = null;

  constructor(ruleset: Ruleset) {
    this.#worker = this.#begin();
    this.#restricted = this.#tell({ kind: "restrict", ruleset }).then((answer) => {
      if (answer.kind === "failed") this.#fault = answer.reason;
      return answer;
    });
  }

  /** Whether nothing can be started from it: another one may do better. */
  get isBroken(): boolean {
    return this.#fault !== null;
  }

  /**
   * `orderFrom` is given the id of the thread. Rejects with an Error when the thread cannot be
   * restricted, or the process cannot be started.
   */
  async start(orderFrom: (thread: number) => ChildOrder): Promise<Child> {
    this.#processes++;
    const restricted = await this.#restricted;
    const answer = restricted.kind === "restricted"
      ? await this.#tell({ kind: "start", order: orderFrom(restricted.thread) })
      : restricted;
    if (answer.kind === "started") return answer.child;
    throw new Error(answer.kind === "failed" ? answer.reason : "the spawner is out of step");
  }

  /** One of its processes has ended, or could not be started. */
  ended(): void {
    this.#processes--;
    if (this.#isRetired && this.#processes === 0) this.close();
  }

  /** Ends the thread when the last of its processes has ended: nothing more is started from it. */
  retire(): void {
    this.#isRetired = true;
    if (this.#processes === 0) this.close();
  }

  /** Ends the thread, and with it what it started. */
  close(): void {
    this.#fail("it was ended");
    this.#worker?.terminate();
  }

  #begin(): Worker | null {
    try {
      const worker = startThread(program.spawner, "inherit");
      worker.onmessage = ({ data }: MessageEvent<FromSpawner>) => {
        this.#waiting.shift()?.resolve(data);
      };
      worker.onerror = (event) => {
        event.preventDefault(); // else it ends this process
        this.#fail(event.message);
      };
      return worker;
    } catch (error) {
      this.#fail(messageOf(error));
      return null;
    }
  }

  #fail(reason: string): void {
    this.#fault = reason;
    for (const { resolve } of this.#waiting.splice(0)) resolve({ kind: "failed", reason });
  }

  #tell(message: ToSpawner): Promise<FromSpawner> {
    if (this.#fault !== null) return Promise.resolve({ kind: "failed", reason: this.#fault });
    const answer = Promise.withResolvers<FromSpawner>();
    this.#waiting.push(answer);
    this.#worker?.postMessage(message);
    return answer.promise;
  }
}
