/**
 * Decides whether a payload fits, by the handler's own schema, before nonce and approval are
 * claimed.
 *
 * Invariants: the schema decides in a process of that handler without any permission, so a check
 * that does more than check can do nothing; it has a time limit, at which its process ends; the
 * daemon evaluates no schema and no pattern itself; the uids whose payloads wait take turns.
 */

import type { Text } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { FairQueue } from "../core/wait.ts";
import type { Checked, ExecutorProcess } from "./executor_process.ts";
import type { Start } from "./processes.ts";

/** Enough for two mebibytes of payload, and short enough for those who wait behind it. */
const CHECK_LIMIT_MS = 1_000;
/** Beside what the process has mapped when it is ready. */
const CHECK_MEMORY_BYTES = 256 * 1024 * 1024;

interface Waiting {
  readonly request: Text;
  readonly decided: PromiseWithResolvers<void>;
}

interface Answer {
  readonly checked: Checked | null;
  readonly isLate: boolean;
}

/** Checks payloads of one action, one after another. */
export class InputChecks {
  #process: ExecutorProcess | null = null;
  readonly #waiting = new FairQueue<Waiting>();
  #isChecking = false;
  #isClosed = false;
  #idle: ReturnType<typeof setTimeout> | undefined;
  readonly #limited = new WeakSet<ExecutorProcess>();
  #count = 0;

  constructor(
    private readonly action: string,
    private readonly begin: Start,
    private readonly idleMs: number,
  ) {}

  /**
   * `request` is the text of {"action","payload"}, and `uid` has asked it. Rejects with a Refusal:
   * payload_invalid, or executor_unavailable where nothing can decide.
   */
  check(request: Text, uid: number): Promise<void> {
    const decided = Promise.withResolvers<void>();
    this.#waiting.add(uid, { request, decided });
    if (!this.#isChecking) void this.#checkAll();
    return decided.promise;
  }

  async #checkAll(): Promise<void> {
    this.#isChecking = true;
    for (let next; (next = this.#waiting.take()) !== undefined;) {
      const { resolve, reject } = next.decided;
      await this.#check(next.request).then(resolve, reject);
    }
    this.#isChecking = false;
  }

  /**
   * Hands `work` a process without permissions that may load the handler, and keeps it for a while.
   * Rejects with a Refusal executor_unavailable where none can be started.
   */
  async use<T>(work: (process: ExecutorProcess) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Refusal("executor_unavailable");
    clearTimeout(this.#idle);
    const process = this.#process = this.#available();
    try {
      await this.#limit(process);
      return await work(process);
    } finally {
      clearTimeout(this.#idle);
      if (!this.#isClosed) this.#idle = setTimeout(() => process.retire(), this.idleMs);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    this.#process?.retire();
    await this.#process?.exited;
  }

  /** Bounds its memory, once: one that takes the place of another is bounded as well. */
  async #limit(process: ExecutorProcess): Promise<void> {
    if (this.#limited.has(process) || !await process.ready()) return;
    this.#limited.add(process);
    if (!process.limitMemory(CHECK_MEMORY_BYTES)) process.kill();
  }

  /**
   * Asks a second process where one did not decide: it may have been stuck before this payload
   * came.
   */
  async #check(request: Text): Promise<void> {
    const ask = (process: ExecutorProcess) => this.#ask(process, request);
    const first = await this.use(ask);
    const { checked, isLate } = first.checked === null ? await this.use(ask) : first;
    refuseUnfit(checked?.issue, isLate);
  }

  /** `checked` is null where the process ended, or had to be ended, before it decided. */
  async #ask(process: ExecutorProcess, request: Text): Promise<Answer> {
    if (!await process.ready()) return { checked: null, isLate: false };
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      process.kill();
    }, CHECK_LIMIT_MS);
    const id = String(this.#count++);
    const checked = await process.check({ id, handler: this.action, request });
    clearTimeout(timer);
    if (checked === null) this.#process = null; // it is on its way out
    return { checked, isLate };
  }

  #available(): ExecutorProcess {
    return this.#process !== null && !this.#process.isGone ? this.#process : this.begin(() => {});
  }
}

/**
 * `issue` undefined: the process ended instead of deciding. Throws the Refusal of anything but a
 * payload that fits.
 */
export function refuseUnfit(issue: string | null | undefined, isLate: boolean): void {
  if (issue === null) return;
  if (issue !== undefined) throw new Refusal("payload_invalid", `Expected ${issue}.`);
  if (!isLate) throw new Refusal("executor_unavailable");
  throw new Refusal(
    "payload_invalid",
    `The action's schema could not decide about it within ${CHECK_LIMIT_MS} ms.`,
  );
}
