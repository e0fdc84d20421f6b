/**
 * The approvers and keys this executor trusts, its own identity, and the tenant it serves.
 *
 * A trust store is a value. Reloading the configuration makes another, and an approval verified
 * under the old one is verified under the new one before anything is claimed.
 */

import type { ApproverConfig, ApproverPublicKey, Config } from "../config/config.ts";
import { hexEncode } from "../core/bytes.ts";
import type { Requirement } from "../core/approvers_needed.ts";
import { couldMeet, type PlainKey, prepare } from "../core/keys/verifying_key.ts";

/** An approver and what it may approve. */
export type TrustedApprover = Omit<ApproverConfig, "keys">;

export type TrustedKey = ApproverPublicKey & { readonly approver: TrustedApprover };

/** The approver of OpenExec 0.1.10 artifacts: one key that is always valid, and its own tenant. */
export type TrustedClawshield = TrustedKey & PlainKey & { readonly tenant: string };

/** Name and keyid of the legacy approver, in receipts and claims. */
export const CLAWSHIELD = "clawshield";

export class TrustStore {
  readonly executorId: string;
  /** null: no approval may name a tenant. */
  readonly tenant: string | null;
  readonly clawshield: TrustedClawshield | null;
  readonly #keys: ReadonlyMap<string, TrustedKey>;

  /**
   * `executorId` is the audience: the configured one, or the one the state directory remembers.
   * Throws a RangeError when a keyid or a public key appears twice, of whatever kinds.
   */
  constructor(config: Pick<Config, "approvers" | "clawshield" | "tenant">, executorId: string) {
    this.executorId = executorId;
    this.tenant = config.tenant;
    this.clawshield = clawshieldOf(config.clawshield);
    this.#keys = keysById(config.approvers);
  }

  /**
   * Returns who may approve the action, with a key that could be strong enough and counts at some
   * time from now until then.
   */
  approversOf(
    { name, require }: { readonly name: string; readonly require: Requirement },
    nowMs: number,
    untilMs: number,
  ): readonly TrustedApprover[] {
    const keys = [...this.#keys.values()].filter((key) =>
      mayApprove(key.approver, name) && canCount(key, nowMs, untilMs) && couldMeet(key, require)
    );
    return [...new Set(keys.map(({ approver }) => approver))];
  }

  /** Returns the key named `keyid`, if it is valid at `ms` (milliseconds since 1970). */
  keyAt(keyid: string, ms: number): TrustedKey | undefined {
    const key = this.#keys.get(keyid);
    return key !== undefined && isKeyValidAt(key, ms) ? key : undefined;
  }
}

/** Whether signatures by the key can count at some time from `fromMs` to `untilMs`. */
function canCount({ notBefore, notAfter }: ApproverPublicKey, fromMs: number, untilMs: number) {
  return (notBefore === null || notBefore * 1000 <= untilMs) &&
    (notAfter === null || fromMs <= notAfter * 1000);
}

/** Both bounds included: `not_after` names the last moment. */
export function isKeyValidAt(key: ApproverPublicKey, ms: number): boolean {
  return (key.notBefore === null || key.notBefore * 1000 <= ms) &&
    (key.notAfter === null || ms <= key.notAfter * 1000);
}

/** "*" in an approver's actions means every action. */
export function mayApprove(approver: Pick<TrustedApprover, "actions">, action: string): boolean {
  return approver.actions.has("*") || approver.actions.has(action);
}

/**
 * Throws a RangeError for a keyid or a public key that appears twice: one key would count as two
 * people, or as valid for longer than its window. config/ refuses it first, with the line to mend.
 */
function keysById(approvers: readonly ApproverConfig[]): ReadonlyMap<string, TrustedKey> {
  const keys = new Map<string, TrustedKey>();
  const publicKeys = new Set<string>();
  for (const approver of approvers) {
    for (const key of approver.keys) {
      const publicKey = hexEncode(key.publicKey);
      if (keys.has(key.keyid) || publicKeys.has(publicKey)) {
        throw new RangeError("a key appears twice");
      }
      prepare(key);
      keys.set(key.keyid, { ...key, approver });
      publicKeys.add(publicKey);
    }
  }
  return keys;
}

function clawshieldOf(config: Config["clawshield"]): TrustedClawshield | null {
  if (config === null) return null;
  const { publicKey, tenant, actions, maxTtlSeconds } = config;
  const approver = { name: CLAWSHIELD, actions, maxTtlSeconds, groups: new Set<string>() };
  const key = { kind: "ed25519", keyid: CLAWSHIELD, publicKey } as const;
  return { ...key, notBefore: null, notAfter: null, approver, tenant };
}
