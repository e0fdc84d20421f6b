/**
 * The shapes that go over the socket, as valibot schemas. They check the bodies of admin routes,
 * and the OpenAPI document is made from all of them. engine/request.ts reads the body of POST
 * /execute itself, byte for byte.
 */

import * as v from "valibot";
import { ERROR_CODES, type ErrorCode } from "../core/errors.ts";
import { isReason, NAME_LENGTH_MAX, SIGNATURES_MAX } from "../core/limits.ts";
import { PROPOSAL_STATUSES } from "../core/proposal.ts";

const NAME = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]{1,255}$/),
  v.description("1 to 255 visible ASCII characters."),
);
const BASE64 = v.pipe(v.string(), v.description("Base64, standard alphabet."));
const INDEX = v.pipe(v.number(), v.integer(), v.minValue(0));
const OBJECT = v.record(v.string(), v.unknown());

/** A DSSE 1.0.2 envelope. */
const ENVELOPE = v.object({
  payloadType: v.string(),
  payload: BASE64,
  signatures: v.pipe(
    v.array(v.object({ keyid: v.pipe(v.string(), v.minLength(1)), sig: BASE64 })),
    v.minLength(1),
    v.maxLength(SIGNATURES_MAX),
  ),
});

const ARTIFACT_FIELD = v.pipe(v.string(), v.minLength(1), v.maxLength(NAME_LENGTH_MAX));

/** An approval of OpenExec 0.1.10. Other members are ignored, as there. */
const CLAWSHIELD_ARTIFACT = v.looseObject({
  approval_id: ARTIFACT_FIELD,
  tenant_id: ARTIFACT_FIELD,
  action_hash: ARTIFACT_FIELD,
  issued_at: ARTIFACT_FIELD,
  expires_at: ARTIFACT_FIELD,
  signature: BASE64,
});

export const ExecuteRequest = v.strictObject({
  action: NAME,
  payload: v.optional(v.nullable(OBJECT)),
  nonce: v.optional(v.nullable(NAME)),
  approval: v.optional(v.nullable(ENVELOPE)),
  approval_artifact: v.optional(v.nullable(CLAWSHIELD_ARTIFACT)),
});

export const Execution = v.looseObject({
  id: v.pipe(v.string(), v.uuid(), v.description("UUIDv7.")),
  action: NAME,
  status: v.picklist([
    "reserved",
    "succeeded",
    "failed",
    "timed_out",
    "crashed",
    "outcome_unknown",
  ]),
  approved: v.boolean(),
  exec_mode: v.optional(
    v.pipe(v.literal("demo"), v.description("Nobody approved it; absent otherwise.")),
  ),
  result: v.unknown(),
  replayed: v.boolean(),
  receipt: v.nullable(
    v.pipe(v.string(), v.description("OpenExec 0.1.10's unkeyed receipt; it proves nothing.")),
  ),
  attestation: v.nullable(v.pipe(ENVELOPE, v.description("The signed receipt."))),
  salts: v.object({ request: v.optional(BASE64), result: v.optional(BASE64) }),
  log_index: v.nullable(INDEX),
  code: v.optional(v.string()),
  result_pruned: v.optional(v.boolean()),
  resolved: v.optional(v.boolean()),
});

const CODES: readonly ErrorCode[] = ERROR_CODES;

/** RFC 9457, with the extensions of the error table. */
export const Problem = v.object({
  type: v.pipe(v.string(), v.description("urn:openexec:error: and the code.")),
  title: v.string(),
  status: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
  detail: v.string(),
  instance: v.string(),
  code: v.picklist(CODES),
  effect: v.pipe(
    v.picklist(["none", "unknown"]),
    v.description("none: nothing ran; unknown: it may have."),
  ),
  retry: v.picklist(["never", "same_request", "new_approval"]),
  execution: v.optional(Execution),
});

export const Service = v.object({
  service: v.string(),
  status: v.string(),
  version: v.string(),
  executor_id: v.string(),
  tenant: v.nullable(v.string()),
});

export const Health = v.looseObject({
  status: v.picklist(["healthy", "unhealthy"]),
  exec_mode: v.string(),
  signature_verification: v.string(),
  restriction: v.string(),
  allow_list: v.optional(v.array(v.string())),
  warning: v.optional(v.string()),
  box: v.object({
    kernel: v.pipe(
      v.picklist(["whole", "partial", "none"]),
      v.description("How much of its box around handlers the daemon has from this kernel."),
    ),
    missing: v.pipe(v.array(v.string()), v.description("What the kernel lacks, in words.")),
    unconfined: v.pipe(v.array(v.string()), v.description("Actions that run outside of the box.")),
  }),
});

export const Ready = v.object({ ready: v.boolean() });
export const Version = v.object({ version: v.string(), timestamp: v.string() });

export const Actions = v.object({
  actions: v.array(v.object({
    name: NAME,
    title: v.nullable(v.string()),
    description: v.nullable(v.string()),
    read_only: v.nullable(v.boolean()),
    destructive: v.nullable(v.boolean()),
    open_world: v.nullable(v.boolean()),
    idempotent: v.boolean(),
    input_schema: OBJECT,
    output_schema: OBJECT,
    approvals: INDEX,
    grants: OBJECT,
    handler_digest: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/)),
  })),
});

export const Executions = v.object({
  executions: v.array(Execution),
  next: v.nullable(
    v.pipe(
      v.string(),
      v.uuid(),
      v.description("The id to go on from with `before`; null: there are no more."),
    ),
  ),
});

/** At most 500 characters of somebody's own words; shown, never interpreted. */
const REASON = v.pipe(v.string(), v.check(isReason), v.description("At most 500 characters."));
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
    needed: INDEX,
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

export const LegacyReceipt = v.strictObject({
  exec_id: v.string(),
  result: v.unknown(),
  receipt: v.string(),
});
export const Validity = v.object({ valid: v.boolean() });

export const Receipt = v.object({
  log_index: INDEX,
  attestation: ENVELOPE,
  tlog_proof: v.pipe(v.string(), v.description("C2SP tlog-proof.")),
});

export const InclusionProof = v.object({
  log_index: INDEX,
  tree_size: INDEX,
  leaf_hash: BASE64,
  root_hash: BASE64,
  hashes: v.array(BASE64),
});

export const ConsistencyProof = v.object({
  from: INDEX,
  to: INDEX,
  from_root_hash: BASE64,
  root_hash: BASE64,
  hashes: v.array(BASE64),
});

export const NoMembers = v.strictObject({});
export const Revocation = v.strictObject({ iss: NAME, jti: NAME });
export const ResolutionRequest = v.strictObject({
  id: v.pipe(v.string(), v.uuid()),
  as: v.picklist(["succeeded", "failed"]),
  note: v.pipe(v.string(), v.minLength(1), v.maxLength(1000)),
});
export const BackupRequest = v.strictObject({
  directory: v.pipe(
    v.string(),
    v.regex(/^\/[^\0]*$/),
    v.maxLength(4096),
    v.description("Absolute path on the host."),
  ),
});

export const Halted = v.object({ halted: v.boolean() });
export const Revoked = v.object({ iss: NAME, jti: NAME, revoked: v.literal(true) });
export const Pruned = v.object({ bodies: INDEX, buckets: INDEX, done: v.boolean() });

/** Shown to operators; the counts are of this process, since it started. */
export const Status = v.looseObject({
  attempts: v.array(v.object({ action: v.string(), code: v.string(), count: INDEX })),
  stations: v.array(v.object({ station: v.string(), count: INDEX, mean_ms: v.number() })),
  pruned_bodies: INDEX,
});
export const AnyObject = OBJECT;
