/**
 * An approver that shares no code with openexec: DSSE and canonical JSON by hand over node:crypto,
 * so that the daemon is held to the format and not to its own SDK.
 */

import canonicalize from "canonicalize";
import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";

export const PAYLOAD_TYPE = "application/vnd.openexec.approval.v2+json";
export const DECISION_TYPE = "application/vnd.openexec.decision.v1+json";

export interface Request {
  readonly action: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly nonce: string;
}

export interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** What an approver reads of a proposal before it signs. */
export interface Proposed extends Request {
  readonly id: string;
  readonly peer: { readonly uid: number };
  readonly handler: { readonly digest: string };
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
  ): Request & { approval: Envelope } {
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

  /** A signature that lets a proposal run, as one that reviewed it makes it. */
  consent(proposed: Proposed, claims: Readonly<Record<string, unknown>> = {}): Envelope {
    const { peer: { uid }, handler: { digest } } = proposed;
    const shown = { sub: `uid:${uid}`, handler_digest: digest };
    const { action, payload, nonce } = proposed;
    return this.approve({ action, payload, nonce }, { ...shown, ...claims }).approval;
  }

  /** A decline of it. */
  decline(proposed: Proposed, reason = "no", claims: Record<string, unknown> = {}): Envelope {
    return this.envelope(declineBody(this, proposed, reason, claims), DECISION_TYPE);
  }

  envelope(body: string, payloadType = PAYLOAD_TYPE): Envelope {
    const bytes = Buffer.from(body);
    const message = Buffer.concat([
      Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `),
      bytes,
    ]);
    const sig = sign(null, message, this.#key).toString("base64");
    return {
      payloadType,
      payload: bytes.toString("base64"),
      signatures: [{ keyid: this.keyid, sig }],
    };
  }
}

/** The signed body of a decline. `claims` replace what would be said otherwise. */
export function declineBody(
  { name }: Approver,
  { id, action, payload }: Proposed,
  reason: string,
  claims: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    iss: name,
    aud: "openexec:test",
    iat: Math.floor(Date.now() / 1000),
    proposal: id,
    action_digest: actionDigest(action, payload),
    decision: "decline",
    reason,
    ...claims,
  });
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
