/** A ledger in a folder of its own, with a clock that the test sets, and short ways to use it. */

import { type Text, utf8Encode } from "../../src/core/bytes.ts";
import { type MachineClock, systemClock } from "../../src/core/clock.ts";
import { type ErrorCode, Refusal } from "../../src/core/errors.ts";
import { type Digest, PLAIN_KEY } from "../../src/core/types.ts";
import { uuidV7 } from "../../src/core/uuid.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openLedger, type OpenOptions } from "../../src/ledger/open.ts";
import type {
  ApprovalClaim,
  ExecutionRecord,
  Reservation,
  Settlement,
} from "../../src/ledger/types.ts";
import type { SignedReceipt } from "../../src/log/signed_receipt.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const EARLIER_MS = 60_000;

/** Makes a ledger a minute ago, so that its fence is before the approvals of a test. */
export async function madeEarlier(
  clock: TestClock,
  open: () => Promise<Ledger>,
): Promise<Ledger> {
  clock.pass(-EARLIER_MS);
  const ledger = await open();
  clock.pass(EARLIER_MS);
  return ledger;
}

/** A wall clock and an uptime that stand still until they are moved. */
export class TestClock implements MachineClock {
  #boots = 1;

  constructor(public wallMs = 1_800_000_000_000, public upMs = 100_000_000) {}
  nowMs(): number {
    return this.wallMs;
  }
  uptimeMs(): number {
    return this.upMs;
  }
  bootId(): string {
    return `boot-${this.#boots}`;
  }
  /** The machine starts again, and has been up for so long. */
  reboot(upMs: number): void {
    this.#boots++;
    this.upMs = upMs;
  }
  /** Time passes: both go on. */
  pass(ms: number): void {
    this.wallMs += ms;
    this.upMs += ms;
  }
}

export interface Scene extends AsyncDisposable {
  readonly stateDir: string;
  readonly clock: TestClock;
  readonly ledger: Ledger;
  /** Closes the ledger, opens it again, and returns the new one. */
  reopen(options?: Partial<OpenOptions>): Promise<Ledger>;
}

export async function scene(options: Partial<OpenOptions> = {}): Promise<Scene> {
  const stateDir = options.stateDir ?? Deno.makeTempDirSync({ prefix: "openexec-ledger-" });
  const clock = new TestClock();
  const open = (more: Partial<OpenOptions> = {}) =>
    openLedger({
      stateDir,
      executorId: "openexec:test",
      mode: "enforced",
      clock,
      ...options,
      ...more,
    });
  let ledger = await madeEarlier(clock, open);
  return {
    stateDir,
    clock,
    get ledger() {
      return ledger;
    },
    async reopen(more) {
      await ledger.close();
      ledger = await open(more);
      return ledger;
    },
    async [Symbol.asyncDispose]() {
      await ledger.close();
      if (options.stateDir === undefined) Deno.removeSync(stateDir, { recursive: true });
    },
  };
}

let counter = 0;

export interface Asked {
  readonly nonce?: string;
  readonly id?: string;
  readonly uid?: number;
  readonly payload?: string;
  readonly approvalText?: string | null;
  readonly salt?: Uint8Array;
  readonly payloadMs?: number | null;
  readonly resultMs?: number | null;
  readonly claim?: Partial<ApprovalClaim> | null;
  readonly recheck?: (nowMs: number) => void;
}

/** A reservation like the engine's; every nonce and jti is new unless it is given. */
export function reservation(asked: Asked = {}): Reservation {
  const number = ++counter;
  const claim: ApprovalClaim | null = asked.claim === null ? null : {
    scheme: "dsse",
    iss: "release-manager",
    jti: `jti-${number}`,
    uses: 1,
    issuedAt: 1_799_999_990,
    expiresAt: 1_800_000_900,
    bodyDigest: new Uint8Array(32).fill(7),
    ...asked.claim,
  };
  return {
    record: {
      id: asked.id ?? uuidV7(systemClock.nowMs()),
      action: "charge_card",
      nonce: asked.nonce ?? `nonce-${number}`,
      mode: "enforced",
      peer: { uid: asked.uid ?? 1000, gid: 1000, pid: 77, socket: "agent.sock" },
      approval: claim === null ? null : {
        scheme: claim.scheme,
        iss: claim.iss,
        jti: claim.jti,
        signers: [{ name: claim.iss, keyid: "key-1", ...PLAIN_KEY }],
      },
      handlerDigest: digest("a"),
      requestCommitment: digest("b"),
      resultCommitment: null,
      code: null,
      traceId: null,
      proposedAtMs: null,
      receivedAtMs: 1_800_000_000_000,
      startedAtMs: null,
      settledAtMs: null,
      logIndex: null,
      resolution: null,
    },
    body: {
      canonical: asked.payload ?? '{"action":"charge_card","payload":{}}',
      salt: asked.salt ?? new Uint8Array(32).fill(1),
      approvalText: asked.approvalText === undefined
        ? '{"payload":"approval"}'
        : asked.approvalText,
    },
    retention: {
      payloadMs: asked.payloadMs === undefined ? DAY_MS : asked.payloadMs,
      resultMs: asked.resultMs ?? DAY_MS,
    },
    claim,
    recheck: asked.recheck ?? (() => {}),
    start: null,
  };
}

export function settlement(id: string, changes: Partial<Settlement> = {}): Settlement {
  return {
    id,
    status: "succeeded",
    code: null,
    startedAtMs: 1_800_000_000_001,
    settledAtMs: 1_800_000_000_002,
    result: { canonical: '{"ok":true}', salt: new Uint8Array(32).fill(2) },
    reason: null,
    resultCommitment: digest("c"),
    retention: { payloadMs: DAY_MS, resultMs: DAY_MS },
    receipt: receipt(id),
    ...changes,
  };
}

export function receipt(text: string): SignedReceipt {
  return {
    version: 1,
    body: utf8Encode(`receipt of ${text}`),
    keyid: "executor-key",
    signature: new Uint8Array(64).fill(9),
  };
}

export function digest(digit: string): Digest {
  return `sha256:${digit.repeat(64)}`;
}

export async function reserveAndSettle(
  ledger: Ledger,
  asked: Asked = {},
): Promise<ExecutionRecord> {
  const { id } = await ledger.reserve(reservation(asked));
  return await ledger.settle(settlement(id));
}

/** The code a promise was refused with, or "ok". Anything else it rejects with goes on. */
export async function refusalOf(promise: Promise<unknown>): Promise<ErrorCode | "ok"> {
  try {
    await promise;
    return "ok";
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** Returns the canonical text of a body, undefined where there is none, or the code of a refusal. */
export function bodyOrCode<T extends Text>(
  open: () => { readonly canonical: T } | undefined,
): T | string | undefined {
  try {
    return open()?.canonical;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
