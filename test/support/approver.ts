/**
 * An approver that shares no code with openexec: DSSE and canonical JSON by hand over node:crypto,
 * so that the daemon is held to the format and not to its own SDK.
 */

import canonicalize from "canonicalize";
import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";

export const PAYLOAD_TYPE = "application/vnd.openexec.approval.v2+json";

export interface Request {
  readonly action: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly nonce: string;
}

export class Approver {
  readonly #key: KeyObject;
  /** As a config's `public_key` wants it. */
  readonly publicKey: string;

  constructor(readonly name: string, readonly keyid = `${name}-1`) {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    this.#key = privateKey;
    const spki = publicKey.export({ format: "der", type: "spki" });
    this.publicKey = `ed25519:${spki.subarray(-32).toString("base64")}`;
  }

  /** A table of [[approvers]]. */
  toml(rest = 'actions = ["*"]\nmax_ttl = "15m"'): string {
    return `[[approvers]]\nname = "${this.name}"\n${rest}\n` +
      `keys = [{ keyid = "${this.keyid}", public_key = "${this.publicKey}" }]\n`;
  }

  /**
   * The request with an approval of it; `claims` replace what would be said otherwise, undefined
   * leaves one out.
   */
  approve(
    request: Request,
    claims: Readonly<Record<string, unknown>> = {},
  ): Request & { approval: unknown } {
    const now = Math.floor(Date.now() / 1000);
    const body = JSON.stringify({
      iss: this.name,
      aud: "openexec:test",
      jti: randomUUID(),
      iat: now,
      exp: now + 300,
      action: request.action,
      action_digest: actionDigest(request.action, request.payload),
      nonce: request.nonce,
      ...claims,
    });
    return { ...request, approval: this.envelope(body) };
  }

  envelope(body: string): Readonly<Record<string, unknown>> {
    const bytes = Buffer.from(body);
    const message = Buffer.concat([
      Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${bytes.length} `),
      bytes,
    ]);
    const sig = sign(null, message, this.#key).toString("base64");
    return {
      payloadType: PAYLOAD_TYPE,
      payload: bytes.toString("base64"),
      signatures: [{ keyid: this.keyid, sig }],
    };
  }
}

export function actionDigest(action: string, payload: unknown): string {
  const text = canonicalize({ action, payload }) ?? "";
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

export function request(
  action: string,
  payload: Readonly<Record<string, unknown>>,
  nonce: string = randomUUID(),
): Request {
  return { action, payload, nonce };
}
