/**
 * An approver's public key, of each kind there is, and the one way to check a signature with it.
 *
 * Invariant: the kind is the configured key's. Nothing is guessed from a signature, so bytes that
 * are good for one kind of key prove nothing about another.
 */

import { verify } from "./ed25519.ts";
import { prepareP256 } from "./p256.ts";
import type { Requirement, SignerFacts } from "../approvers_needed.ts";
import type { SshKey } from "./ssh_key.ts";
import { verifySshsig } from "./sshsig.ts";
import { PLAIN_KEY } from "../types.ts";
import { type Passkey, verifyAssertion } from "./webauthn.ts";

export type VerifyingKey = PlainKey | ({ readonly kind: "sshsig" } & SshKey) | PasskeyKey;

/** A key that signs our bytes as they are (RFC 8032). */
export interface PlainKey {
  readonly kind: "ed25519";
  /** 32 bytes, admissible as core/keys/ed25519.ts defines it. */
  readonly publicKey: Uint8Array;
}

export type PasskeyKey = { readonly kind: "passkey" } & Passkey;

/** Returns undefined unless `signature`, as `key` makes them, is over `message`. */
export function verifyBy(
  key: VerifyingKey,
  signature: Uint8Array,
  message: Uint8Array,
): SignerFacts | undefined {
  switch (key.kind) {
    case "ed25519":
      return verify(signature, message, key.publicKey) ? PLAIN_KEY : undefined;
    case "sshsig": {
      const verified = verifySshsig(signature, message, key);
      return verified && { kind: "sshsig", hardware: key.application !== null, ...verified };
    }
    case "passkey": {
      const verified = verifyAssertion(signature, message, key);
      if (verified === undefined) return undefined;
      const { userVerified, backupEligible } = verified;
      return { kind: "passkey", userVerified, hardware: !backupEligible };
    }
  }
}

/** Makes the first signature by this key as fast to verify as any other. */
export function prepare(key: VerifyingKey): void {
  const isP256 = key.kind === "passkey"
    ? key.algorithm === "ES256"
    : key.kind === "sshsig" && key.type === "sk-ecdsa-sha2-nistp256@openssh.com";
  if (isP256) prepareP256(key.publicKey);
}

/** Tells whether signatures by this key could meet it. A passkey says with each whether it does. */
export function couldMeet(key: VerifyingKey, requirement: Requirement): boolean {
  const couldBeHardware = key.kind === "passkey" ||
    (key.kind === "sshsig" && key.application !== null);
  return requirement === "any" || couldBeHardware;
}
