/** Signing with an approver's key, wherever that is: in a file, an agent, hardware or a browser. */

import { sign } from "../core/keys/ed25519.ts";
import type { ApproverKey } from "./approver_key.ts";

/** Signs in the name of one key. To ask a person, for a touch or a PIN, is its own matter. */
export interface ApproverSigner {
  readonly keyid: string;
  /** The approver's name in the daemon's config, the `iss` of new approvals; null without one. */
  readonly name: string | null;
  /**
   * Returns the `sig` of a DSSE signature, 1 to 4096 bytes, in the form that the daemon's config
   * expects of this keyid. `pae` is DSSE's pre-authentication encoding.
   */
  sign(pae: Uint8Array): Promise<Uint8Array>;
}

/** Signs with the key of a file: Ed25519 (RFC 8032), 64 bytes. */
export function keySigner({ keyid, name, seed }: ApproverKey): ApproverSigner {
  return { keyid, name, sign: (pae) => Promise.resolve(sign(pae, seed)) };
}

/** Takes keys of files for signers. */
export function signersOf(
  keys: ApproverKey | ApproverSigner | readonly (ApproverKey | ApproverSigner)[],
): readonly ApproverSigner[] {
  return [keys].flat().map((key) => "seed" in key ? keySigner(key) : key);
}
