/**
 * Verification of an approval artifact of OpenExec 0.1.10 ("ClawShield"), kept so that its clients go on working.
 *
 * Signed is the undelimited concatenation of five fields. Moving a boundary between them therefore signs alike: claims go by
 * the SHA-256 of the whole message, which no boundary changes, and `approval_id` is used for nothing else and never stored. The
 * tenant is only as good as that: an artifact passes for every tenant whose name is an ending of its `approval_id` and `tenant_id`
 * in a row. What keeps executors apart is a key for each.
 */

import * as v from "valibot";
import { base64Decode, hexEncode, utf8Encode } from "../core/encoding.ts";
import { verify } from "../core/ed25519.ts";
import { Refusal } from "../core/errors.ts";
import { type JsonNode, toValue } from "../core/json.ts";
import { NAME_LENGTH_MAX } from "../core/limits.ts";
import { pythonJson } from "../core/python_json.ts";
import { sha256 } from "../core/sha.ts";
import type { ApprovalSubject, Moment, Verified } from "./approval.ts";
import { parseLegacyTime } from "./legacy_time.ts";
import { CLAWSHIELD, mayApprove, type TrustedClawshield, type TrustStore } from "./trust.ts";

const Field = v.pipe(v.string(), v.minLength(1), v.maxLength(NAME_LENGTH_MAX));

/** Other members are ignored, as OpenExec ignores them: they are not signed and decide nothing. */
const ArtifactSchema = v.object({
  approval_id: Field,
  tenant_id: Field,
  action_hash: Field,
  issued_at: Field,
  expires_at: Field,
  signature: v.string(),
});

interface Artifact extends v.InferOutput<typeof ArtifactSchema> {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** 64 bytes. */
  readonly signatureBytes: Uint8Array;
}

/** Throws a Refusal: one of the approval_* codes, in the order of the checks below. */
export function verifyArtifact(
  node: JsonNode,
  subject: ApprovalSubject,
  trust: TrustStore,
  moment: Moment,
): Verified {
  const artifact = parseArtifact(node);
  const { clawshield } = trust;
  if (clawshield === null) throw new Refusal("approval_signer_unknown");
  if (artifact.action_hash !== legacyActionHash(subject)) {
    throw new Refusal(
      "approval_action_mismatch",
      "hash mismatch: this is not the action and payload approved.",
    );
  }
  if (!moment.isReplay) checkTimes(artifact, moment.ms);
  checkLifetime(artifact, clawshield);
  const message = utf8Encode(
    artifact.approval_id + artifact.tenant_id + artifact.action_hash + artifact.issued_at +
      artifact.expires_at,
  );
  if (!verify(artifact.signatureBytes, message, clawshield.publicKey)) {
    throw new Refusal("approval_signature_invalid", "Invalid signature.");
  }
  if (artifact.tenant_id !== clawshield.tenant) {
    throw new Refusal("approval_tenant_mismatch", "Tenant mismatch.");
  }
  if (!mayApprove(clawshield.approver, subject.action)) throw new Refusal("approval_scope_denied");
  if (!(subject.approvalsNeeded <= 1)) throw new Refusal("approval_signers_insufficient");
  const bodyDigest = sha256(message);
  return {
    iss: CLAWSHIELD,
    jti: hexEncode(bodyDigest),
    uses: 1,
    validFromMs: artifact.issuedAtMs,
    expiresAtMs: artifact.expiresAtMs,
    issuedAt: Math.floor(artifact.issuedAtMs / 1000),
    expiresAt: Math.ceil(artifact.expiresAtMs / 1000),
    signers: [{ name: CLAWSHIELD, keyid: CLAWSHIELD }],
    keys: [clawshield],
    bodyDigest,
  };
}

function parseArtifact(node: JsonNode): Artifact {
  const parsed = v.safeParse(ArtifactSchema, toValue(node));
  if (!parsed.success) throw new Refusal("approval_malformed");
  const fields = parsed.output;
  const issuedAtMs = parseLegacyTime(fields.issued_at);
  const expiresAtMs = parseLegacyTime(fields.expires_at);
  const signatureBytes = base64Decode(fields.signature);
  if (issuedAtMs === undefined || expiresAtMs === undefined || signatureBytes?.length !== 64) {
    throw new Refusal("approval_malformed");
  }
  return { ...fields, issuedAtMs, expiresAtMs, signatureBytes };
}

/** Lower-case hex of SHA-256 over Python's canonical JSON of action and payload. */
function legacyActionHash({ action, payload }: ApprovalSubject): string {
  const request: JsonNode = {
    kind: "object",
    members: [["action", { kind: "string", value: action }], ["payload", payload]],
  };
  return hexEncode(sha256(utf8Encode(pythonJson(request, "compact"))));
}

/**
 * A time of issue in the future would stretch the lifetime that the approver may grant. Written so that a time that is no
 * number refuses.
 */
function checkTimes({ issuedAtMs, expiresAtMs }: Artifact, nowMs: number): void {
  if (!(issuedAtMs <= nowMs)) throw new Refusal("approval_not_yet_valid");
  if (!(nowMs < expiresAtMs)) throw new Refusal("approval_expired", "The approval has expired.");
}

function checkLifetime(
  { issuedAtMs, expiresAtMs }: Artifact,
  { approver }: TrustedClawshield,
): void {
  if (!(expiresAtMs - issuedAtMs <= approver.maxTtlSeconds * 1000)) {
    throw new Refusal("approval_ttl_too_long");
  }
}
