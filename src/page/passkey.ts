/**
 * Passkeys (Web Authentication Level 3): enrolment, and signatures over what an approver decides.
 *
 * Invariant: the challenge is SHA-256 of the pre-authentication encoding of the very bytes that are
 * posted, so that a signature holds for one decision, and for nothing else.
 */

import { utf8Decode, utf8Encode } from "../core/bytes.ts";
import { sha256 } from "../core/sha.ts";

/** COSE algorithms (RFC 9053): EdDSA and ES256, the two that a daemon takes. */
const ALGORITHMS = [-8, -7];
const TIMEOUT_MS = 120_000;

export interface EnrolledPasskey {
  readonly keyid: string;
  /** SubjectPublicKeyInfo (RFC 5280), DER. */
  readonly publicKey: Uint8Array;
}

export interface PasskeySignature {
  /** The keyid, which the authenticator kept as the user; null if it keeps none. */
  readonly keyid: string | null;
  /** The `sig` of an envelope: JSON of authenticatorData, clientDataJSON and signature. */
  readonly signature: Uint8Array;
}

/**
 * Makes a passkey for this page's host. `keyid` has 1 to 64 bytes: the authenticator keeps it, and
 * gives it back with each signature. Rejects with a DOMException when the person declines.
 */
export async function enrol(keyid: string, name: string): Promise<EnrolledPasskey> {
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
  const response = responseOf(credential, AuthenticatorAttestationResponse);
  const key = response.getPublicKey();
  if (key === null) throw new Error("This authenticator made a key of a kind that is not taken.");
  return { keyid, publicKey: new Uint8Array(key) };
}

/** Signs `encoding`, a DSSE pre-authentication encoding. Rejects as `enrol` does. */
export async function signWithPasskey(encoding: Uint8Array): Promise<PasskeySignature> {
  const credential = await navigator.credentials.get({
    publicKey: {
      challenge: sha256(encoding),
      rpId: location.hostname,
      userVerification: "preferred",
      timeout: TIMEOUT_MS,
    },
  });
  const response = responseOf(credential, AuthenticatorAssertionResponse);
  const { userHandle } = response;
  const members = {
    authenticatorData: base64Url(response.authenticatorData),
    clientDataJSON: base64Url(response.clientDataJSON),
    signature: base64Url(response.signature),
  };
  return {
    keyid: userHandle === null ? null : utf8Decode(new Uint8Array(userHandle)) ?? null,
    signature: utf8Encode(JSON.stringify(members)),
  };
}

function responseOf<T>(
  credential: Credential | null,
  kind: { new (): T },
): T {
  const response = credential instanceof PublicKeyCredential ? credential.response : null;
  if (!(response instanceof kind)) throw new Error("The browser gave no passkey.");
  return response;
}

/** RFC 4648 section 5, without padding. */
function base64Url(bytes: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
