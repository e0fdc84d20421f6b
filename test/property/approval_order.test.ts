import fc from "fast-check";
import { expect, test } from "vitest";
import { type ApprovalSubject } from "../../src/approval/approval.ts";
import { verifyApproval } from "../../src/approval/verify.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { base64Decode, base64Encode, concatBytes, utf8Encode } from "../../src/core/bytes.ts";
import { digestOf } from "../../src/core/sha.ts";
import type { Json } from "../../src/core/types.ts";
import {
  approver,
  claims,
  envelope,
  needed,
  NOW,
  NOW_MS,
  subject,
  trustOf,
  unverified,
} from "../support/approvals.ts";
import { codeOf } from "../support/refusals.ts";

/** What can be wrong with one approval. */
interface Draft {
  claims: Record<string, Json>;
  subject: Partial<ApprovalSubject>;
  keyids: string[];
  spoil: (envelope: Record<string, Json>) => Record<string, Json>;
}

interface Defect {
  readonly code: ErrorCode;
  readonly apply: (draft: Draft) => void;
}

const another = digestOf(utf8Encode("another"));

function renameKeys(envelope: Record<string, Json>): Record<string, Json> {
  return JSON.parse(JSON.stringify(envelope).replaceAll('"keyid":"', '"keyid":"unknown-'));
}

/** One space more behind the body: still the same claims, but not what was signed. */
function breakSignature(envelope: Record<string, Json>): Record<string, Json> {
  const body = base64Decode(String(envelope["payload"])) ?? new Uint8Array();
  return { ...envelope, payload: base64Encode(concatBytes(body, utf8Encode(" "))) };
}

/** In the order in which verification decides. */
const DEFECTS: readonly Defect[] = [
  {
    code: "approval_malformed",
    apply: (draft) => after(draft, (json) => ({ ...json, payloadType: "text/plain" })),
  },
  { code: "approval_signer_unknown", apply: (draft) => after(draft, renameKeys) },
  { code: "approval_signature_invalid", apply: (draft) => after(draft, breakSignature) },
  { code: "approval_malformed", apply: (draft) => draft.claims["unknown_claim"] = 1 },
  { code: "approval_signer_unknown", apply: (draft) => draft.claims["iss"] = "nobody" },
  { code: "approval_not_yet_valid", apply: (draft) => draft.claims["nbf"] = NOW + 60 },
  { code: "approval_expired", apply: (draft) => draft.claims["exp"] = NOW },
  { code: "approval_ttl_too_long", apply: (draft) => draft.claims["iat"] = NOW - 100_000 },
  { code: "approval_audience_mismatch", apply: (draft) => draft.claims["aud"] = "another" },
  { code: "approval_subject_mismatch", apply: (draft) => draft.claims["sub"] = "uid:1" },
  { code: "approval_tenant_mismatch", apply: (draft) => draft.claims["tenant"] = "another" },
  {
    code: "approval_action_mismatch",
    apply: (draft) => draft.subject = { ...draft.subject, actionDigest: another },
  },
  {
    code: "approval_nonce_mismatch",
    apply: (draft) => draft.subject = { ...draft.subject, nonce: "another" },
  },
  { code: "approval_handler_mismatch", apply: (draft) => draft.claims["handler_digest"] = another },
  { code: "approval_scope_denied", apply: (draft) => draft.keyids.push("dave-1") },
  {
    code: "approval_signers_insufficient",
    apply: (draft) => draft.subject = { ...draft.subject, needed: needed(9) },
  },
];

function after(draft: Draft, next: Draft["spoil"]): void {
  const { spoil } = draft;
  draft.spoil = (json) => next(spoil(json));
}

const trust = trustOf([approver("alice"), approver("dave", { actions: new Set(["other"]) })]);

function verdict(defects: readonly Defect[]): ErrorCode | "ok" {
  const draft: Draft = {
    claims: { ...claims() },
    subject: {},
    keyids: ["alice-1"],
    spoil: (json) => json,
  };
  for (const defect of defects) defect.apply(draft);
  const json = draft.spoil({ ...envelope(draft.claims, draft.keyids) });
  return codeOf(() => verifyApproval(unverified(json), subject(draft.subject), trust, NOW_MS));
}

test("nothing wrong is ok", () => {
  expect(verdict([])).toBe("ok");
});

test.each(DEFECTS.map((defect, i) => [i + 1, defect.code, defect] as const))(
  "check %i alone is reported: %s",
  (_, code, defect) => expect(verdict([defect])).toBe(code),
);

test("of several things wrong at once, in whatever order they came about, the first check is reported", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...DEFECTS], { minLength: 1 }), (defects) => {
      const first = DEFECTS.find((defect) => defects.includes(defect));
      expect(verdict(defects)).toBe(first?.code);
    }),
    { numRuns: 1000 },
  );
});
