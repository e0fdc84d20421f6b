import fc from "fast-check";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Refusal } from "../../src/core/errors.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openLedger } from "../../src/ledger/open.ts";
import {
  DAY_MS,
  HOUR_MS,
  madeEarlier,
  receipt,
  refusalOf,
  reservation,
  settlement,
  TestClock,
} from "../ledger/scene.ts";
import { expectSound } from "../ledger/soundness.ts";
import { temporaryFolder } from "../ledger/temporary.ts";
import { Model, RETENTION_MS, type Step, USES } from "./ledger_model.ts";

/** Steps of one round are asked for at once; the rest happens alone. */
type Round =
  | { readonly kind: "together"; readonly steps: readonly Step[] }
  | { readonly kind: "pass" | "back" | "jump"; readonly ms: number }
  | { readonly kind: "prune"; readonly force: boolean }
  | { readonly kind: "crash" | "restart" };

/** Uptimes come in whole seconds, so that much of the time after the last commit may be lost. */
const CRASH_FORGETS_MS = 1_000;
const NONCES = ["n0", "n1", "n2", "n3", "n4", "n5"];
const RUNS = Number(Deno.env.get("OPENEXEC_HISTORIES") ?? 40);

const nonce = fc.constantFrom(...NONCES);
const jti = fc.constantFrom(...Object.keys(USES));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("reserve" as const),
      nonce,
      jti,
      body: fc.constantFrom(1, 1, 1, 2),
      expired: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("settle" as const), nonce }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("revoke" as const), jti }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("halt" as const),
      halted: fc.constantFrom(false, false, true),
    }),
  },
);
const round: fc.Arbitrary<Round> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("together" as const),
      steps: fc.array(step, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.constantFrom(1000, 5 * HOUR_MS, 2 * DAY_MS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("back" as const),
      ms: fc.constantFrom(HOUR_MS, DAY_MS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("jump" as const), ms: fc.constant(3 * DAY_MS) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("prune" as const), force: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("crash" as const, "restart" as const) }),
  },
);

/** The real ledger, and every state of the model that fits all it has answered so far. */
class History {
  #stateDir = temporaryFolder();
  readonly #clock = new TestClock();
  #ledger: Ledger | undefined;
  #possible = [new Model()];
  #latestMs = 0;

  async play(rounds: readonly Round[]): Promise<void> {
    this.#ledger = await madeEarlier(this.#clock, () => this.#open());
    for (const each of rounds) {
      await this.#play(each);
      this.#compare();
    }
    await this.#ledger.close();
    await expectSound(this.#stateDir);
    Deno.removeSync(this.#stateDir, { recursive: true });
  }

  get #real(): Ledger {
    if (this.#ledger === undefined) throw new Error("not open");
    return this.#ledger;
  }

  #open(): Promise<Ledger> {
    return openLedger({
      stateDir: this.#stateDir,
      executorId: "openexec:h",
      mode: "enforced",
      clock: this.#clock,
      recentBytes: 4_000, // a few executions
    });
  }

  async #play(round: Round): Promise<void> {
    if (round.kind === "together") return await this.#together(round.steps);
    if (round.kind === "pass") this.#clock.pass(round.ms);
    if (round.kind === "back") this.#clock.wallMs -= round.ms;
    if (round.kind === "jump") await this.#jump(round.ms);
    if (round.kind === "prune") await this.#prune(round.force);
    if (round.kind === "crash") await this.#crash();
    if (round.kind === "restart") {
      await this.#real.close();
      this.#ledger = await this.#open();
    }
  }

  /** The answers must be those of some order of the steps. */
  async #together(steps: readonly Step[]): Promise<void> {
    const nowMs = this.#real.clock.nowMs();
    const answers = await Promise.all(steps.map((each) => this.#ask(each)));
    const next = new Map<string, Model>();
    for (const model of this.#possible) {
      for (const order of permutations(steps.map((_, index) => index))) {
        const after = model.copy();
        const said: string[] = [];
        for (const index of order) {
          const each = steps[index];
          if (each !== undefined) said[index] = after.apply(each, nowMs);
        }
        if (answers.every((answer, index) => answer === said[index])) next.set(after.key(), after);
      }
    }
    expect([...next.keys()], `no order of the steps explains ${answers}`).not.toEqual([]);
    this.#possible = [...next.values()];
  }

  async #ask(step: Step): Promise<string> {
    const ledger = this.#real;
    if (step.kind === "revoke") {
      return await refusalOf(ledger.revoke("release-manager", step.jti, receipt("revocation")));
    }
    if (step.kind === "halt") {
      return await refusalOf(ledger.setHalted(step.halted, receipt("halt")));
    }
    if (step.kind === "settle") {
      const record = ledger.findByNonce(step.nonce);
      if (record === undefined) return "not open";
      return await refusalOf(ledger.settle(settlement(record.id))).catch(() => "not open");
    }
    const claim = {
      jti: step.jti,
      uses: USES[step.jti] ?? 1,
      bodyDigest: new Uint8Array(32).fill(step.body),
    };
    const recheck = () => {
      if (step.expired) throw new Refusal("approval_expired");
    };
    return await refusalOf(
      ledger.reserve(reservation({ nonce: step.nonce, claim, recheck, payloadMs: RETENTION_MS })),
    );
  }

  async #jump(ms: number): Promise<void> {
    const beforeMs = this.#real.clock.nowMs();
    this.#clock.wallMs += ms;
    await this.#real.prune(1000);
    // a wall clock that was behind may only have caught up
    const jumped = this.#real.clock.nowMs() - beforeMs > HOUR_MS;
    for (const model of this.#possible) {
      model.paused ||= jumped;
      model.prune(this.#real.clock.nowMs(), false);
    }
  }

  async #prune(force: boolean): Promise<void> {
    const { done } = await this.#real.prune(1000, force);
    expect(done).toBe(true);
    for (const model of this.#possible) model.prune(this.#real.clock.nowMs(), force);
  }

  /** What a daemon that is gone leaves behind: its files, and nothing it had in memory. */
  async #crash(): Promise<void> {
    // a daemon that runs writes the time down every ten seconds
    await this.#real.append([receipt("upkeep")]);
    const left = temporaryFolder();
    copyFolder(this.#stateDir, left);
    await this.#real.close();
    Deno.removeSync(this.#stateDir, { recursive: true });
    this.#stateDir = left;
    this.#ledger = await this.#open();
  }

  #compare(): void {
    const ledger = this.#real;
    const nowMs = ledger.clock.nowMs();
    expect(nowMs, "time went back").toBeGreaterThanOrEqual(this.#latestMs - CRASH_FORGETS_MS);
    this.#latestMs = Math.max(this.#latestMs, nowMs);
    const seen = NONCES.map((nonce) => {
      const record = ledger.findByNonce(nonce);
      return [
        record?.status,
        record === undefined ? false : ledger.openRequest(record.id) !== undefined,
      ];
    });
    this.#possible = this.#possible.filter((model) =>
      JSON.stringify(seen) === JSON.stringify(NONCES.map((nonce) => {
        const execution = model.executions[nonce];
        return [
          execution?.status,
          execution === undefined ? false : model.readable(execution.bucketMs),
        ];
      }))
    );
    expect(this.#possible, `nothing explains ${JSON.stringify(seen)}`).not.toEqual([]);
    const health = ledger.health();
    expect(
      this.#possible.map(({ halted, paused }) => ({
        halted,
        pruningPaused: paused,
        refusing: null,
      })),
    )
      .toContainEqual(health);
  }
}

test(
  "whatever is asked for at once, in any order, with crashes between, the ledger answers as the model does",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(round, { minLength: 4, maxLength: 14 }),
        (rounds) => new History().play(rounds),
      ),
      { numRuns: RUNS },
    );
  },
  RUNS * 2_000,
);

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest])
  );
}

function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyFolder(join(from, name), join(to, name));
    else if (name !== "ballast") Deno.copyFileSync(join(from, name), join(to, name));
  }
}
