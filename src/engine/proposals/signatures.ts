/**
 * The signatures that a proposal has so far: how a posted envelope joins them, and which of them
 * still count.
 *
 * Invariants:
 * - Only verified signatures are kept, one a keyid. Stored and new are verified as a whole: a post
 *   that fails changes nothing.
 * - At most one open body an `iss`, and BODIES_MAX in all: a newer one replaces that of its `iss`.
 */

import { canonicalJson } from "../../core/json/canonical_json.ts";
import { APPROVAL_TYPE } from "../../core/signed_claims.ts";
import { equalBytes } from "../../core/bytes.ts";
import { type Envelope, envelopeJson, parseEnvelope } from "../../core/dsse.ts";
import { Refusal } from "../../core/errors.ts";
import { UnverifiedApproval } from "../../approval/approval.ts";
import type { Approval, Signatures } from "../../approval/verify.ts";
import type { ProposalRecord, SignedBody } from "../../ledger/proposals/types.ts";
import type { FoundAction } from "../starter.ts";
import type { ParsedRequest } from "../request.ts";
import type { EngineParts } from "../types.ts";

const BODIES_MAX = 8;
/** Approvals that were ever signed for one proposal: all of them are revoked at its end. */
const COLLECTED_MAX = 64;

/** One body with its verified signatures, as it is stored and as it starts something. */
export interface Joined {
  readonly signatures: Signatures;
  readonly unverified: UnverifiedApproval;
  readonly body: SignedBody;
}

/** A start runs with it: a body that has every signature, or "demo", where none is needed. */
export type Complete = CompleteBody | "demo";

export type CompleteBody = Joined & { readonly signatures: { readonly approval: Approval } };

export function isComplete(joined: Joined): joined is CompleteBody {
  return joined.signatures.approval !== null;
}

/** Bodies with their envelopes, in the same order. */
export interface Given {
  readonly bodies: readonly SignedBody[];
  readonly envelopes: readonly string[];
}

type TrustParts = Pick<EngineParts, "trust" | "ledger">;

/** The request of a proposal, as its approval has to name it. */
export interface Subject {
  readonly record: ProposalRecord;
  readonly request: Omit<ParsedRequest, "approval">;
  readonly found: FoundAction;
}

/** Throws a Refusal: the approval_* codes of an approval in their order, before and in row 9. */
export function join(
  value: unknown,
  given: Given,
  subject: Subject,
  parts: TrustParts,
): Joined {
  const posted = parseEnvelope(value);
  if (posted?.payloadType !== APPROVAL_TYPE) throw new Refusal("approval_malformed");
  const known = posted.signatures.filter(({ keyid }) => parts.trust.knows(keyid));
  if (known.length === 0) throw new Refusal("approval_signer_unknown");
  const before = given.envelopes.map(envelopeOf).find(({ body }) => equalBytes(body, posted.body));
  const kept = before === undefined ? [] : countingOf(before, subject, parts);
  const isNew = (one: Envelope["signatures"][number]) =>
    !kept.some((other) => other.keyid === one.keyid && equalBytes(other.signature, one.signature));
  return verified({ ...posted, signatures: [...kept, ...known.filter(isNew)] }, subject, parts);
}

/** Puts a body among those given. Throws a Refusal: proposals_full. */
export function withBody(
  { body, unverified }: Joined,
  given: Given,
  { collected }: ProposalRecord,
): Given {
  const isKnown = collected.some(({ iss, jti }) => iss === body.iss && jti === body.jti);
  const at = given.bodies.findIndex(({ iss }) => iss === body.iss);
  const isTooMany = at === -1 && given.bodies.length >= BODIES_MAX;
  if (isTooMany || !isKnown && collected.length >= COLLECTED_MAX) {
    throw new Refusal("proposals_full", "Too many different approvals were signed for it.");
  }
  const place = at === -1 ? given.bodies.length : at;
  return {
    bodies: given.bodies.toSpliced(place, 1, body),
    envelopes: given.envelopes.toSpliced(place, 1, unverified.canonical),
  };
}

/** The bodies, and the signatures over them, that count today. */
export function stillGiven(given: Given, subject: Subject, parts: TrustParts): readonly Joined[] {
  return given.envelopes.map(envelopeOf).flatMap((envelope) => {
    const signatures = countingOf(envelope, subject, parts);
    if (signatures.length === 0) return [];
    try {
      return [verified({ ...envelope, signatures }, subject, parts)];
    } catch (error) {
      if (error instanceof Refusal) return [];
      throw error;
    }
  });
}

function verified(envelope: Envelope, subject: Subject, { trust, ledger }: TrustParts): Joined {
  const { record, request, found: { action, registered } } = subject;
  const first = unverifiedOf(envelope);
  const signatures = trust.signatures(
    { ...request, approval: first },
    action,
    registered.digest,
    record.peer,
  );
  const { iss, jti, issuedAt, expiresAt, signers, bodyDigest } = signatures;
  const claim = { scheme: "dsse" as const, iss, jti, uses: 1, issuedAt, expiresAt, bodyDigest };
  ledger.checkUse(claim, record.id);
  const body = { iss, jti, expiresAt, signers };
  const unique = envelope.signatures.filter(({ keyid }, i) =>
    envelope.signatures.findIndex((other) => other.keyid === keyid) === i
  );
  const unverified = unverifiedOf({ ...envelope, signatures: unique });
  return { signatures, body, unverified };
}

function unverifiedOf(envelope: Envelope): UnverifiedApproval {
  return new UnverifiedApproval("dsse", canonicalJson(envelopeJson(envelope)));
}

function countingOf(
  { signatures }: Envelope,
  { request: { action } }: Subject,
  { trust }: TrustParts,
): Envelope["signatures"] {
  return signatures.filter(({ keyid }) => trust.counts(keyid, action));
}

/** Parses an envelope that the daemon itself stored. */
function envelopeOf(text: string): Envelope {
  const envelope = parseEnvelope(JSON.parse(text));
  if (envelope === undefined) throw new TypeError("a stored envelope is none");
  return envelope;
}
