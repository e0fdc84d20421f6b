/** The engine over a real ledger, a clock that the test sets, and an executor that does what the test says. */

import { TrustGate } from "../../src/engine/trust_gate.ts";
import type { Answer } from "../../src/engine/engine.ts";
import { ExecutionEngine } from "../../src/engine/execute.ts";
import { InputSchemas } from "../../src/engine/input_schema.ts";
import { pruneAll } from "../../src/engine/operate.ts";
import type { EngineParts } from "../../src/engine/parts.ts";
import { RefusalJournal } from "../../src/engine/refusal_journal.ts";
import { utf8Encode } from "../../src/core/bytes.ts";
import type { Outcome } from "../../src/core/types.ts";
import type { ExecutorPool, Job } from "../../src/executor/executor.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { Receipt } from "../../src/log/receipt.ts";
import { signReceipt } from "../../src/log/signed_receipt.ts";
import { FILE, KEYS, load } from "../config/loading.ts";
import { type Scene, scene, type TestClock } from "../ledger/scene.ts";
import {
  envelope,
  HANDLER_DIGEST,
  PAYLOAD,
  signerNamed,
  subject,
  trustOf,
} from "../support/approvals.ts";

const { config } = load(`
[[approvers]]
name = "nobody"
actions = ["*"]
keys = [{ keyid = "nobody-1", public_key = "${KEYS[0]}" }]
[actions.echo]
module = "builtin:echo"
[retention]
payload = "10h"
result = "10h"
`);

export class EngineScene implements AsyncDisposable {
  engine: ExecutionEngine;
  /** What was started, in order. */
  readonly jobs: Job[] = [];
  /** Called as a slot is taken: after the approval was verified, before anything is reserved. */
  onAcquire = () => {};
  /** Waited for between a reservation's commit and its answer: meanwhile its record can be read. */
  onReserved: () => Promise<void> = () => Promise.resolve();
  /** Called as an execution is started. */
  onRun = () => {};
  outcome: Outcome = { status: "succeeded", resultText: '{"ok":true}' };
  slotsTaken = 0;
  readonly bugs: unknown[] = [];
  #refusals: RefusalJournal;

  private constructor(private readonly stage: Scene) {
    [this.engine, this.#refusals] = this.#assemble(stage.ledger);
  }

  static async start(): Promise<EngineScene> {
    return new EngineScene(await scene());
  }

  get clock(): TestClock {
    return this.stage.clock;
  }

  get stateDir(): string {
    return this.stage.stateDir;
  }

  get ledger(): Ledger {
    return this.stage.ledger;
  }

  /** Another daemon on the same state. */
  async restart(): Promise<void> {
    await this.#refusals.flush(true);
    [this.engine, this.#refusals] = this.#assemble(await this.stage.reopen());
  }

  /** Asks for `echo` with an approval by `claims`; the answer's status, or the code of its refusal. */
  async ask(claims: Parameters<typeof envelope>[0], nonce = "n-1", waitMs = 0): Promise<Answer> {
    const body = { action: "echo", payload: PAYLOAD, nonce, approval: envelope(claims) };
    const [socket] = config.sockets;
    if (socket === undefined) throw new Error(`${FILE} names no socket`);
    return await this.engine.execute(utf8Encode(JSON.stringify(body)), {
      peer: subject().peer,
      socket,
      receivedAtMs: this.ledger.clock.nowMs(),
      idempotencyKey: null,
      waitMs,
      traceparent: null,
      instance: "/execute",
    });
  }

  /** As the daemon does by itself; `force` as an operator asks it to. */
  async prune(force = false): Promise<void> {
    await pruneAll({ ledger: this.ledger, onPruned: () => {} }, force);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#refusals.flush(true);
    await this.stage[Symbol.asyncDispose]();
  }

  #assemble(ledger: Ledger): [ExecutionEngine, RefusalJournal] {
    const { clock, executorId } = ledger;
    const reserve = ledger.reserve.bind(ledger);
    ledger.reserve = async (reservation) => {
      const record = await reserve(reservation);
      await this.onReserved();
      return record;
    };
    const executors = this.#executors();
    const sign = (receipt: Receipt) => signReceipt(receipt, signerNamed("executor"));
    const refusals = new RefusalJournal({ ledger, clock, sign, perMinute: 60 });
    const parts: EngineParts = {
      config,
      clock,
      ledger,
      executors,
      executorId,
      sign,
      refusals,
      developmentApprover: false,
      trust: new TrustGate(trustOf(), clock),
      schemas: new InputSchemas(executors.actions),
      observe: () => {},
      onBug: (error) => this.bugs.push(error),
    };
    return [new ExecutionEngine(parts), refusals];
  }

  #executors(): ExecutorPool {
    const echo = { name: "echo", digest: HANDLER_DIGEST, inputSchema: {}, outputSchema: {} };
    return {
      actions: new Map([["echo", echo]]),
      acquire: () => {
        this.onAcquire();
        this.slotsTaken++;
        return {
          run: (job) => {
            this.jobs.push(job);
            this.onRun();
            this.slotsTaken--;
            return Promise.resolve({ outcome: this.outcome, startedAtMs: this.clock.nowMs() });
          },
          release: () => void this.slotsTaken--,
        };
      },
      healthy: () => true,
      statistics: () => ({ processes: 0, running: 0, restarts: 0 }),
      close: () => Promise.resolve(),
    };
  }
}

/** "succeeded", or what it was refused with. */
export function verdictOf(answer: Answer): string {
  return answer.ok ? "succeeded" : answer.code;
}
