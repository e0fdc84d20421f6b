/** The shapes of proposals, as schemas.ts has the others. engine/proposals/ reads bodies itself. */

import * as v from "valibot";
import { REASON_LENGTH_MAX } from "../core/limits.ts";
import { PROPOSAL_STATUSES } from "../core/proposal.ts";
import { REQUIREMENTS } from "../core/approvers_needed.ts";
import { BASE64, ENVELOPE, Execution, INDEX, NAME, OBJECT, SEATS } from "./schemas.ts";

/** At most 500 characters of somebody's own words; shown, never interpreted. */
const REASON = v.pipe(v.string(), v.maxLength(REASON_LENGTH_MAX));
const TIME = v.pipe(v.string(), v.description("RFC 3339, UTC, with milliseconds."));
const DIGEST = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));
const UUID = v.pipe(v.string(), v.uuid());

/** engine/proposals/ reads this body itself, byte for byte. */
export const ProposalRequest = v.strictObject({
  action: NAME,
  payload: v.optional(v.nullable(OBJECT)),
  nonce: v.optional(v.pipe(NAME, v.description("Left out: the proposal's id."))),
  reason: v.optional(v.pipe(REASON, v.description("The agent's own words, at most 500."))),
  client: v.optional(v.pipe(NAME, v.description("A stable name of the program that proposes."))),
});

/** The body of POST /proposals/{id}/approvals and /decline. */
export const SignedDecision = ENVELOPE;

const SIMILAR = v.object({
  id: v.pipe(UUID, v.description("Of a proposal, and of its execution once it ran.")),
  status: v.string(),
  at: v.pipe(TIME, v.description("When it ended, or was proposed if it still waits.")),
  uid: v.number(),
});

export const Proposal = v.object({
  id: v.pipe(UUID, v.description("UUIDv7; the execution's id once it runs.")),
  action: NAME,
  payload: v.pipe(v.nullable(OBJECT), v.description("null once it was pruned.")),
  nonce: NAME,
  reason: v.optional(v.pipe(REASON, v.description("The agent's words."))),
  client: v.optional(NAME),
  delivered: v.optional(
    v.pipe(v.boolean(), v.description("Whether that client said that it told the end.")),
  ),
  status: v.picklist(PROPOSAL_STATUSES),
  proposed_at: TIME,
  expires_at: TIME,
  now: v.pipe(TIME, v.description("The daemon's clock, for `iat` of a decision.")),
  peer: v.object({ uid: v.number(), pid: v.pipe(v.number(), v.description("At proposal.")) }),
  approvals: v.object({
    needed: SEATS,
    require: v.pipe(v.picklist(REQUIREMENTS), v.description("How strong a key has to be.")),
    given: v.pipe(
      v.array(v.object({ name: NAME, keyid: NAME, kind: v.string(), iss: NAME, jti: NAME })),
      v.description("Signatures so far, body by body: `iss` and `jti` name the body."),
    ),
    max_ttl_seconds: v.pipe(
      v.number(),
      v.description("The smallest max_ttl of those who may sign: `exp` - `iat` at most."),
    ),
  }),
  decline: v.optional(v.object({ by: NAME, reason: v.nullable(v.string()), at: TIME })),
  execution: v.optional(Execution),
  log_index: v.optional(v.pipe(INDEX, v.description("Of the receipt of an end without a run."))),
  salts: v.optional(v.object({ request: BASE64 })),
  problem: v.optional(v.object({
    code: v.string(),
    detail: v.string(),
    effect: v.picklist(["none", "unknown"]),
    retry: v.picklist(["never", "same_request", "new_approval"]),
  })),
  request: v.optional(v.pipe(
    v.object({ canonical: v.string(), action_digest: DIGEST }),
    v.description("For reviewers: RFC 8785 text of what runs, and the digest that is signed."),
  )),
  handler: v.optional(v.object({
    digest: DIGEST,
    permissions: OBJECT,
    secrets: v.array(v.string()),
  })),
  similar: v.optional(v.pipe(
    v.array(SIMILAR),
    v.description("For reviewers: the same action and payload in the last day, newest first."),
  )),
  approval: v.optional(v.pipe(
    v.array(ENVELOPE),
    v.description("For reviewers: each body that was signed so far, with its signatures."),
  )),
});

export const Proposals = v.object({
  proposals: v.array(Proposal),
  next: v.pipe(v.nullable(v.string()), v.description("The `cursor` to go on from; null: no more.")),
  now: TIME,
});
