/**
 * The calls that are under way: each proposes, holds until the end or the time is over, and sees to
 * it that an end which reached the client counts as delivered.
 *
 * Invariant: a call keeps its connection to the daemon until its answer was written and noted. A
 * call that was cancelled, or whose client is gone, notes nothing and leaves its proposal waiting.
 */

import { Refusal } from "../core/errors.ts";
import { isOver } from "../core/proposal.ts";
import { isUuid } from "../core/uuid.ts";
import { sleep } from "../core/wait.ts";
import {
  atLeastUnknown,
  isUnknown,
  mayPass,
  OpenExecError,
  refusalAsError,
} from "../client/errors.ts";
import type { Proposal } from "../client/proposals/proposal.ts";
import type { Daemon, Line } from "./daemon.ts";
import type { OpenRequest } from "./transport.ts";

/** Calls at a time; each has a connection. */
const CALLS_MAX = 48;
/** One wait of a hold. Progress is told after each. */
const STEP_MS = 10_000;
/** Between two looks at a proposal, and before a request is tried again. */
const PAUSE_MS = 100;
const RETRY_MS = 1_000;

/** A call as its client made it. */
export interface LiveCall extends OpenRequest {
  /** Aborts when the client cancels the call, or is gone. */
  readonly signal: AbortSignal;
  /** Tells the client that the call is still under way. */
  readonly progress: (proposal: Proposal, step: number) => void;
}

/** Asks for the state of a proposal, waiting for its end up to `waitMs`. */
type Ask = (line: Line, waitMs: number) => Promise<Proposal>;

export class Calls {
  #live = 0;

  constructor(private readonly daemon: Daemon, private readonly holdMs: number) {}

  /** Rejects with OpenExecError, OpenExecUnreachable, or the signal's reason. */
  propose(action: string, call: LiveCall): Promise<Proposal> {
    const { payload, signal } = call;
    const ask: Ask = (line, waitMs) => line.propose({ action, payload }, waitMs, signal);
    return this.#within(call, (line) => this.#hold(line, ask, call));
  }

  /** Rejects as `propose` does. */
  wait(id: string, call: LiveCall): Promise<Proposal> {
    return this.#about(id, call, (line) => this.#hold(line, holding(id, call), call));
  }

  /** Tells how a proposal stands, without waiting. Rejects as `propose` does. */
  look(id: string, call: LiveCall): Promise<Proposal> {
    return this.#about(id, call, (line) => line.get(id));
  }

  /** Tells how it stands where it cannot be taken back any more. Rejects as `propose` does. */
  withdraw(id: string, call: LiveCall): Promise<Proposal> {
    return this.#about(id, call, (line) =>
      line.withdraw(id).catch((error: unknown) => {
        if (error instanceof OpenExecError && error.code === "proposal_over") return line.get(id);
        throw error;
      }));
  }

  /** An id that is none, or is missing, would make the path of another route. */
  async #about(id: string, call: LiveCall, work: (line: Line) => Promise<Proposal>) {
    if (!isUuid(id)) throw refusalAsError(new Refusal("proposal_not_found"));
    return await this.#within(call, work);
  }

  async #within(call: LiveCall, work: (line: Line) => Promise<Proposal>): Promise<Proposal> {
    if (this.#live >= CALLS_MAX) throw tooMany();
    this.#live++;
    const line = this.daemon.line();
    let settled = Promise.resolve();
    try {
      const proposal = await work(line);
      settled = this.#settle(line, proposal, call);
      return proposal;
    } finally {
      void settled.finally(() => {
        this.#live--;
        line.close();
      });
    }
  }

  /** Fails silently: an end that was not noted is told again to the next such call. */
  async #settle(line: Line, { id, status }: Proposal, call: LiveCall): Promise<void> {
    if (await call.isAnswered && isOver(status)) await line.delivered(id).catch(() => {});
  }

  async #hold(line: Line, first: Ask, call: LiveCall): Promise<Proposal> {
    const deadline = performance.now() + this.holdMs;
    let ask = first;
    for (let step = 1;; step++) {
      const proposal = await this.#patiently(line, ask, deadline, call.signal, step > 1);
      if (isOver(proposal.status) || performance.now() >= deadline) return proposal;
      call.progress(proposal, step);
      ask = holding(proposal.id, call);
      await sleep(PAUSE_MS, call.signal);
    }
  }

  /**
   * Asks again while the daemon is away or cannot answer yet, and time is left. Once a proposal may
   * be on disk, it may have run, and no error says less.
   */
  async #patiently(
    line: Line,
    ask: Ask,
    deadline: number,
    signal: AbortSignal,
    isProposed: boolean,
  ): Promise<Proposal> {
    let mayHaveRun = isProposed;
    for (;;) {
      const leftMs = Math.max(0, deadline - performance.now());
      try {
        return await ask(line, Math.min(leftMs, STEP_MS));
      } catch (error) {
        mayHaveRun ||= isUnknown(error);
        const isLast = !mayPass(error) || leftMs < RETRY_MS;
        if (isLast) throw mayHaveRun ? atLeastUnknown(error) : error;
        await sleep(RETRY_MS, signal);
      }
    }
  }
}

function holding(id: string, { signal }: LiveCall): Ask {
  return (line, waitMs) => line.hold(id, waitMs, signal);
}

function tooMany(): unknown {
  return refusalAsError(
    new Refusal("rate_limited", `At most ${CALLS_MAX} calls may be under way.`),
  );
}
