/** A second opinion on assertions: @simplewebauthn/server. */

import { verifyAuthenticationResponse } from "@simplewebauthn/server";
import { base64UrlEncode } from "../../src/core/bytes.ts";
import { sha256 } from "../../src/core/sha.ts";
import type { Passkey } from "../../src/core/keys/webauthn.ts";

/** Whether it takes an assertion, given by its members in bytes, over `message` by `key`. */
export async function isAcceptedElsewhere(
  members: Readonly<Record<string, Uint8Array>>,
  message: Uint8Array,
  key: Passkey,
): Promise<boolean> {
  const text = (name: string) => base64UrlEncode(members[name] ?? new Uint8Array());
  const id = "AAAA";
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId: id,
        type: "public-key",
        clientExtensionResults: {},
        response: {
          authenticatorData: text("authenticatorData"),
          clientDataJSON: text("clientDataJSON"),
          signature: text("signature"),
        },
      },
      expectedChallenge: base64UrlEncode(sha256(message)),
      expectedOrigin: [...key.origins],
      expectedRPID: key.rpId,
      requireUserVerification: false,
      credential: { id, counter: 0, publicKey: coseKey(key) },
    });
    return verified;
  } catch {
    return false;
  }
}

/** COSE_Key (RFC 9053): a map of small integers, whose CBOR is written here by hand. */
function coseKey({ algorithm, publicKey }: Passkey): Uint8Array<ArrayBuffer> {
  return algorithm === "EdDSA"
    ? Uint8Array.of(0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32, ...publicKey)
    : Uint8Array.of(
      ...[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32],
      ...publicKey.subarray(1, 33),
      ...[0x22, 0x58, 32],
      ...publicKey.subarray(33),
    );
}
