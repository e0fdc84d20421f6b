/**
 * Verification of an approval artifact of OpenExec 0.1.10 ("ClawShield"), for its existing clients.
 *
 * The signature covers five fields without delimiters, so text may move from one field to the next
 * and leave it valid. Claims therefore go by the SHA-256 of the whole message, which such a move
 * does not change, and `approval_id` is never stored or used otherwise. The tenant is weak for the
 * same reason: an artifact passes for every tenant whose name ends its `approval_id` followed by
 * its `tenant_id`. Give each executor a key of its own to keep them apart.
 */

import { base64Decode, hexEncode, utf8Encode } from "../core/bytes.ts";
import { verify } from "../core/keys/ed25519.ts";
import { Refusal } from "../core/errors.ts";
import type { JsonNode } from "../core/json/json.ts";
import { NAME_LENGTH_MAX } from "../core/limits.ts";
import { pythonJson } from "../core/json/python_json.ts";
import { emptySeats, meets } from "../core/approvers_needed.ts";
import { sha256 } from "../core/sha.ts";
import { PLAIN_KEY } from "../core/types.ts";
import { open, string, type TypeOf, where } from "../core/shape.ts";
import type { ApprovalSubject, Moment, Verified } from "./approval.ts";
import { CLAWSHIELD, mayApprove, type TrustedClawshield, type TrustStore } from "./trust.ts";

const field = where(string, ({ length }) => length >= 1 && length <= NAME_LENGTH_MAX);

/** Other members are ignored, as in OpenExec: they are not signed and decide nothing. */
const isArtifact = open({
  approval_id: field,
  tenant_id: field,
  action_hash: field,
  issued_at: field,
  expires_at: field,
  signature: string,
});

interface Artifact extends TypeOf<typeof isArtifact> {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** 64 bytes. */
  readonly signatureBytes: Uint8Array;
}

/** Throws a Refusal with one of the approval_* codes, in the order of the checks below. */
export function verifyArtifact(
  value: unknown,
  subject: ApprovalSubject,
  trust: TrustStore,
  moment: Moment,
): Verified {
  const artifact = parseArtifact(value);
  const { clawshield } = trust;
  if (clawshield === null) throw new Refusal("approval_signer_unknown");
  if (artifact.action_hash !== subject.legacyActionHash) {
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
  const { needed } = subject;
  if (!meets(PLAIN_KEY, needed.require)) throw new Refusal("approval_key_too_weak");
  if (emptySeats(needed, [clawshield.approver]) > 0) {
    throw new Refusal("approval_signers_insufficient");
  }
  const bodyDigest = sha256(message);
  return {
    iss: CLAWSHIELD,
    jti: hexEncode(bodyDigest),
    uses: 1,
    validFromMs: artifact.issuedAtMs,
    expiresAtMs: artifact.expiresAtMs,
    issuedAt: Math.floor(artifact.issuedAtMs / 1000),
    expiresAt: Math.ceil(artifact.expiresAtMs / 1000),
    signers: [{ name: CLAWSHIELD, keyid: CLAWSHIELD, ...PLAIN_KEY }],
    missing: 0,
    keys: [clawshield],
    bodyDigest,
  };
}

function parseArtifact(fields: unknown): Artifact {
  if (!isArtifact(fields)) throw new Refusal("approval_malformed");
  const issuedAtMs = parseLegacyTime(fields.issued_at);
  const expiresAtMs = parseLegacyTime(fields.expires_at);
  const signatureBytes = base64Decode(fields.signature);
  if (issuedAtMs === undefined || expiresAtMs === undefined || signatureBytes?.length !== 64) {
    throw new Refusal("approval_malformed");
  }
  return { ...fields, issuedAtMs, expiresAtMs, signatureBytes };
}

/**
 * Returns the lower-case hex of SHA-256 over Python's canonical JSON of action and payload, whose
 * numbers are as they were written.
 */
export function legacyActionHash(action: string, payload: JsonNode): string {
  const request: JsonNode = {
    kind: "object",
    members: [["action", { kind: "string", value: action }], ["payload", payload]],
  };
  return hexEncode(sha256(utf8Encode(pythonJson(request, "compact"))));
}

/**
 * Refuses a time of issue in the future as well, which would stretch the lifetime that the approver
 * may give. Each comparison refuses when a time is NaN.
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

/** Times as Python's `datetime.isoformat()` writes them, with or without an offset. */
const TIME =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * Reads a time into milliseconds since 1970, with a fraction for microseconds. Returns undefined
 * when `text` is no such time or no such day exists. A time without an offset is UTC.
 */
export function parseLegacyTime(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [
    ,
    year = "",
    month = "",
    day = "",
    hour = "",
    minute = "",
    second = "",
    fraction = "",
    zone = "Z",
  ] = match;
  if (
    !isDay(Number(year), Number(month), Number(day)) || !isClock(hour, minute) ||
    Number(second) > 59
  ) {
    return undefined;
  }
  const offsetMinutes = minutesOf(zone);
  if (offsetMinutes === undefined) return undefined;
  const utc = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return utc - offsetMinutes * 60_000 + Number(`0.${fraction || "0"}`) * 1000;
}

function minutesOf(zone: string): number | undefined {
  if (zone === "Z") return 0;
  const [hours = "", minutes = ""] = zone.slice(1).split(":");
  if (!isClock(hours, minutes)) return undefined;
  return (Number(hours) * 60 + Number(minutes)) * (zone.startsWith("-") ? -1 : 1);
}

function isClock(hours: string, minutes: string): boolean {
  return Number(hours) < 24 && Number(minutes) < 60;
}

function isDay(year: number, month: number, day: number): boolean {
  // no approval is older than 1970, and Date.UTC takes a year below 100 for another century
  if (year < 1970 || month < 1 || month > 12 || day < 1) return false;
  const nextMonth = Date.UTC(year, month, 1);
  return Date.UTC(year, month - 1, day) < nextMonth;
}
