/** The engine over a real ledger, with a clock and an executor that the test controls. */

import { join } from "node:path";
import type { Config } from "../../src/config/config.ts";
import { Engine } from "../../src/engine/execute.ts";
import { pruneAll } from "../../src/engine/operate.ts";
import { RefusalJournal } from "../../src/engine/refusals.ts";
import { TrustGate } from "../../src/engine/trust.ts";
import type { Answer, EngineParts } from "../../src/engine/types.ts";
import { stringOf, utf8Encode } from "../../src/core/bytes.ts";
import { Refusal } from "../../src/core/errors.ts";
import { UNSAID } from "../../src/core/presentation.ts";
import type { Outcome } from "../../src/core/types.ts";
import type { Executors } from "../../src/executor/pool.ts";
import type { Job } from "../../src/executor/types.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { restoreLedger } from "../../src/ledger/restore.ts";
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

export const { config: CONFIG } = load(`
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

export interface SceneOptions {
  readonly config?: Config;
  /** Members that the payload of `echo` has to have. */
  readonly needs?: readonly string[];
}

export class EngineScene implements AsyncDisposable {
  engine: Engine;
  parts: EngineParts;
  /** Everything that was started, in order. */
  readonly jobs: Job[] = [];
  /** Called as a slot is taken: after the approval was verified, before anything is reserved. */
  /** Called as the payload is checked. */
  onCheck: () => Promise<void> = () => Promise.resolve();
  onAcquire = () => {};
  /** Waited for between a reservation's commit and its answer: meanwhile its record can be read. */
  onReserved: () => Promise<void> = () => Promise.resolve();
  /** Called as an execution is started, which goes on until it is done. */
  onRun: () => void | Promise<void> = () => {};
  outcome: Outcome = { status: "succeeded", resultText: '{"ok":true}' };
  slotsTaken = 0;
  readonly bugs: unknown[] = [];
  readonly unsettled: { readonly execution: string; readonly error: unknown }[] = [];
  /** Executions whose result or reason could not be stored. */
  readonly unstored: string[] = [];

  private constructor(private readonly stage: Scene, private readonly options: SceneOptions) {
    this.parts = this.#assemble(stage.ledger);
    this.engine = new Engine(this.parts);
  }

  static async start(options: SceneOptions = {}): Promise<EngineScene> {
    return new EngineScene(await scene(), options);
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
    await this.parts.refusals.flush(true);
    this.parts = this.#assemble(await this.stage.reopen());
    this.engine = new Engine(this.parts);
  }

  /** Puts the ledger's own backup in its place, behind a fence, and starts another daemon on it. */
  async restore(): Promise<void> {
    const backupDir = join(this.stateDir, "backup");
    await this.ledger.backup(backupDir);
    await this.ledger.close();
    await restoreLedger({ backupDir, stateDir: this.stateDir, clock: this.clock });
    await this.restart();
  }

  /** Asks for `echo` with an approval by `claims`. */
  async ask(
    claims: Parameters<typeof envelope>[0],
    nonce = "n-1",
    waitMs = 0,
    peer = subject().peer,
  ): Promise<Answer> {
    const body = { action: "echo", payload: PAYLOAD, nonce, approval: envelope(claims) };
    const [socket] = this.parts.config.sockets;
    if (socket === undefined) throw new Error(`${FILE} names no socket`);
    return await this.engine.execute(utf8Encode(JSON.stringify(body)), {
      peer,
      socket,
      receivedAtMs: this.ledger.clock.nowMs(),
      idempotencyKey: null,
      waitMs,
      traceparent: null,
    });
  }

  /** Prunes as the daemon does by itself, or with `force` as an operator does. */
  async prune(force = false): Promise<void> {
    await pruneAll(this.ledger, () => {}, force);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.refusals.flush(true);
    await this.stage[Symbol.asyncDispose]();
  }

  #assemble(ledger: Ledger): EngineParts {
    const { clock } = ledger;
    const reserve = ledger.reserve.bind(ledger);
    ledger.reserve = async (reservation) => {
      const record = await reserve(reservation);
      await this.onReserved();
      return record;
    };
    const executors = this.#executors();
    const sign = (receipt: Receipt) => signReceipt(receipt, signerNamed("executor"));
    const refusals = new RefusalJournal(ledger, clock, sign, CONFIG.limits);
    return {
      config: this.options.config ?? CONFIG,
      clock,
      ledger,
      executors,
      sign,
      refusals,
      trust: new TrustGate(trustOf(), clock),
      observe: () => {},
      observeProposal: () => {},
      notify: null,
      onNotifyFailure: () => {},
      onUnsettled: (execution, error) => this.unsettled.push({ execution, error }),
      onUnstored: (execution) => this.unstored.push(execution),
      onBug: (error) => this.bugs.push(error),
    };
  }

  #executors(): Executors {
    const { needs = [] } = this.options;
    const echo = {
      name: "echo",
      digest: HANDLER_DIGEST,
      inputSchema: {},
      outputSchema: {},
      presentation: UNSAID,
    };
    return {
      actions: new Map([["echo", echo]]),
      acquire: () => {
        this.onAcquire();
        this.slotsTaken++;
        return {
          ready: () => Promise.resolve(),
          run: async (job) => {
            this.jobs.push(job);
            await this.onRun();
            this.slotsTaken--;
            return { outcome: this.outcome, startedAtMs: this.clock.nowMs() };
          },
          release: () => void this.slotsTaken--,
        };
      },
      check: async (_action, request) => {
        await this.onCheck();
        if (needs.length === 0) return;
        const { payload } = JSON.parse(stringOf(request));
        if (!needs.every((name) => name in payload)) throw new Refusal("payload_invalid");
      },
      box: { kernel: "whole", missing: [], unconfined: [] },
      unreachable: () => [],
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
