/**
 * The shapes that go over the socket, as valibot schemas. They check the bodies of admin routes,
 * and the OpenAPI document is made from all of them. engine/request.ts reads the body of POST
 * /execute itself, byte for byte.
 */

import * as v from "valibot";
import { ERROR_CODES, type ErrorCode } from "../core/errors.ts";
import { NAME_LENGTH_MAX, NOTE_LENGTH_MAX, SIGNATURES_MAX } from "../core/limits.ts";
import { REQUIREMENTS } from "../core/approvers_needed.ts";
import { EXECUTION_STATUSES } from "../core/types.ts";

export const NAME = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]{1,255}$/),
  v.description("1 to 255 visible ASCII characters."),
);
export const BASE64 = v.pipe(v.string(), v.description("Base64, standard alphabet."));
export const INDEX = v.pipe(v.number(), v.integer(), v.minValue(0));
export const SEATS = v.pipe(
  v.union([INDEX, v.record(v.string(), INDEX)]),
  v.description("Distinct approvers, or how many of which group."),
);
export const OBJECT = v.record(v.string(), v.unknown());

const SIGNATURE = v.pipe(
  v.string(),
  v.description("Base64 of 1 to 4096 bytes, whose form is that of the kind of key."),
);

/** A DSSE 1.0.2 envelope. */
export const ENVELOPE = v.object({
  payloadType: v.string(),
  payload: BASE64,
  signatures: v.pipe(
    v.array(v.object({ keyid: v.pipe(v.string(), v.minLength(1)), sig: SIGNATURE })),
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
  status: v.picklist(EXECUTION_STATUSES),
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
  reason: v.optional(v.pipe(
    v.string(),
    v.description("The handler says why it failed; at most 500 characters, which no receipt has."),
  )),
  result_pruned: v.optional(v.boolean()),
  unreadable: v.optional(v.pipe(
    v.boolean(),
    v.description("In a list: what is kept of it does not open; the vault has lost its key."),
  )),
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
    approvals: SEATS,
    require: v.picklist(REQUIREMENTS),
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

export const Keys = v.object({
  keys: v.array(v.object({ log_index: INDEX, attestation: ENVELOPE })),
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
  note: v.pipe(v.string(), v.minLength(1), v.maxLength(NOTE_LENGTH_MAX)),
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
  unreachable: v.pipe(
    v.array(v.string()),
    v.description("Permissions of actions that the daemon does not have itself, in words."),
  ),
});
export const AnyObject = OBJECT;
