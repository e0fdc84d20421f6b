/**
 * Passkeys (Web Authentication Level 3): enrolment, and signatures over what an approver decides.
 *
 * Invariant: the challenge is SHA-256 of the pre-authentication encoding of the very bytes that are
 * posted, so that a signature holds for one decision, and for nothing else.
 */

import type { ApproverSigner } from "../client/approver_key.ts";
import { utf8Decode, utf8Encode } from "../core/bytes.ts";
import { sha256 } from "../core/sha.ts";
import type { Identity } from "./identity.ts";

/** COSE algorithms (RFC 9053): EdDSA and ES256, the two that a daemon takes. */
const ALGORITHMS = [-8, -7];
const TIMEOUT_MS = 120_000;

/**
 * Makes a passkey for this page's host, and returns its public key: SubjectPublicKeyInfo (RFC
 * 5280), DER. The authenticator keeps the keyid, 1 to 64 bytes, and gives it back with each
 * signature. Rejects with a DOMException when the person declines.
 */
export async function enrol({ keyid, name }: Identity): Promise<Uint8Array> {
  const credential = await navigator.credentials.create({
    publicKey: {
      rp: { id: location.hostname, name: "openexec" },
      user: { id: utf8Encode(keyid), name, displayName: name },
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "required", userVerification: "preferred" },
      attestation: "none",
      timeout: TIMEOUT_MS,
    },
  });
  const key = responseOf(credential, AuthenticatorAttestationResponse).getPublicKey();
  if (key === null) throw new Error("this authenticator made a key of a kind that is not taken");
  return new Uint8Array(key);
}

/** Signs with the passkey of this approver. `sign` rejects as `enrol` does. */
export function passkeySigner({ name, keyid }: Identity): ApproverSigner & { name: string } {
  return { name, keyid, sign: (pae) => assertion(pae, keyid) };
}

/** Returns the `sig` of an envelope: JSON of authenticatorData, clientDataJSON and signature. */
async function assertion(pae: Uint8Array, keyid: string): Promise<Uint8Array> {
  const credential = await navigator.credentials.get({
    publicKey: {
      challenge: Uint8Array.from(sha256(pae)),
      rpId: location.hostname,
      userVerification: "preferred",
      timeout: TIMEOUT_MS,
    },
  });
  const response = responseOf(credential, AuthenticatorAssertionResponse);
  const { userHandle } = response;
  const held = userHandle === null ? keyid : utf8Decode(new Uint8Array(userHandle));
  if (held !== keyid) {
    throw new Error(`that passkey is ${held}, and this page decides with ${keyid}`);
  }
  return utf8Encode(JSON.stringify({
    authenticatorData: base64Url(response.authenticatorData),
    clientDataJSON: base64Url(response.clientDataJSON),
    signature: base64Url(response.signature),
  }));
}

function responseOf<T>(credential: Credential | null, kind: { new (): T }): T {
  const response = credential instanceof PublicKeyCredential ? credential.response : null;
  if (!(response instanceof kind)) throw new Error("the browser gave no passkey");
  return response;
}

/** RFC 4648 section 5, without padding. */
function base64Url(bytes: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
