/**
 * The shape of each kind of receipt body. It is strict: an unknown member, a status that does not
 * fit its code, or an enforced execution without an approval makes it no receipt at all.
 *
 * Strings that an agent chose (action, nonce, jti) are names: 1 to 255 characters of visible ASCII.
 */

import { ERROR_CODES, type ErrorCode } from "../core/errors.ts";
import { isName } from "../core/limits.ts";
import type { Digest } from "../core/types.ts";
import { keyidOf, parseReceiptKey } from "./keyid.ts";
import {
  anyOf,
  boolean,
  list,
  object,
  oneOf,
  optional,
  record,
  string,
  type TypeOf,
  where,
  whole,
} from "../core/shape.ts";
import { parseTime } from "./time.ts";

/** A name without a plus, because it becomes part of a note's key name. */
const EXECUTOR_ID = /^[\x21-\x2a\x2c-\x7e]{1,255}$/;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TRACE_ID = /^[0-9a-f]{32}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const SALT = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
/** A letter first: JavaScript moves members of digits to the front, out of canonical order. */
const DETAIL_NAME = /^[a-z][a-z_]{0,63}$/;
/** In characters. */
const NOTE_LENGTH_MAX = 4096;

const text = (max: number) => where(string, (value) => value.isWellFormed() && value.length <= max);
const matching = (pattern: RegExp) => where(string, (value) => pattern.test(value));
const name = where(string, isName);
const time = where(string, (value) => parseTime(value) !== undefined);
const digest = (value: unknown): value is Digest => string(value) && DIGEST.test(value);
const code = oneOf(...ERROR_CODES);
const executorId = matching(EXECUTOR_ID);
const executionId = matching(UUID_V7);
const shortText = text(1024);
const detailValue = (value: unknown): value is string | number | boolean =>
  boolean(value) || whole(value) || shortText(value);
const status = oneOf("succeeded", "failed", "timed_out", "crashed", "outcome_unknown");
const peer = object({ gid: whole, pid: whole, socket: text(255), uid: whole });

const plainSigner = object({ keyid: name, name });

/** Version 2: a signer with the kind of key. A passkey tells hardware by what it says of backup. */
const signer = where(
  object({
    backup_eligible: optional(boolean),
    hardware: optional(oneOf(true)),
    keyid: name,
    kind: oneOf("ed25519", "sshsig", "passkey"),
    name,
    user_verified: boolean,
  }),
  ({ kind, backup_eligible: synced, hardware = false, user_verified: isVerified }) => {
    if (kind === "passkey") return synced === !hardware;
    return synced === undefined && (kind === "sshsig" || !hardware) && (hardware || !isVerified);
  },
);

const approval = object({
  iss: name,
  jti: name,
  scheme: oneOf("dsse", "clawshield"),
  signers: anyOf(list(plainSigner), list(signer)),
});

interface Approved {
  readonly approval?: TypeOf<typeof approval>;
  readonly proposed_at?: string;
}

/** One body, one spelling: kinds stand where one is not Ed25519, or `proposed_at` is there. */
function tellsKindsWhereNeeded({ approval, proposed_at: proposedAt }: Approved): boolean {
  if (approval === undefined) return true;
  const kinds = approval.signers.map((signer) => "kind" in signer ? signer.kind : undefined);
  const isNeeded = proposedAt !== undefined ||
    kinds.some((kind) => kind !== undefined && kind !== "ed25519");
  return isNeeded === kinds.every((kind) => kind !== undefined) &&
    (!isNeeded || approval.scheme === "dsse");
}

/** The codes that each outcome may carry. */
const CODES_OF: Readonly<Record<TypeOf<typeof status>, readonly (ErrorCode | undefined)[]>> = {
  succeeded: [undefined],
  failed: ["handler_failed", "result_invalid"],
  timed_out: ["handler_timed_out"],
  crashed: ["handler_crashed"],
  outcome_unknown: ["outcome_unknown"],
};

const execution = where(
  object({
    action: name,
    approval: optional(approval),
    code: optional(code),
    /** Present where any process of the daemon's user could read the approver's key. */
    development_approver: optional(oneOf(true)),
    execution_id: executionId,
    executor_id: executorId,
    handler_digest: digest,
    kind: oneOf("execution"),
    mode: oneOf("enforced", "demo"),
    nonce: name,
    peer,
    proposed_at: optional(time),
    received_at: time,
    request_commitment: digest,
    reserved_at: time,
    result_commitment: optional(digest),
    settled_at: time,
    started_at: optional(time),
    status,
    trace_id: optional(matching(TRACE_ID)),
  }),
  (body) =>
    CODES_OF[body.status].includes(body.code) &&
    (body.mode === "enforced") === (body.approval !== undefined) &&
    (body.status === "succeeded") === (body.result_commitment !== undefined) &&
    tellsKindsWhereNeeded(body),
);

const isOfProposals = oneOf("proposal_declined", "proposal_expired", "proposal_withdrawn");

/** The end of a proposal that never ran. Version 2 only. */
const decision = where(
  object({
    action: name,
    at: time,
    /** The approver who declined, or the peer that withdrew. */
    by: optional(anyOf(signer, peer)),
    code,
    decision: oneOf("declined", "expired", "withdrawn", "refused"),
    executor_id: executorId,
    kind: oneOf("decision"),
    nonce: name,
    /** The proposer. */
    peer,
    proposal: executionId,
    proposed_at: time,
    reason_commitment: optional(digest),
    request_commitment: digest,
  }),
  ({ by, code, decision, reason_commitment: reason }) => {
    if (reason !== undefined && decision !== "declined") return false;
    switch (decision) {
      case "declined":
        return code === "proposal_declined" && by !== undefined && "keyid" in by;
      case "withdrawn":
        return code === "proposal_withdrawn" && by !== undefined && "uid" in by;
      case "expired":
        return code === "proposal_expired" && by === undefined;
      case "refused":
        return !isOfProposals(code) && by === undefined;
    }
  },
);

/**
 * 16 random bytes, so that the hash of a leaf, which every peer may ask for, confirms no guess of
 * what others did. Version 2 exactly where it is there. Other kinds have a commitment or an id that
 * nobody can guess, or are shown to everyone.
 */
const salt = optional(matching(SALT));

const refusal = object({
  action: optional(name),
  at: time,
  code,
  executor_id: executorId,
  kind: oneOf("refusal"),
  nonce: optional(name),
  peer,
  salt,
});

const refusalSummary = object({
  dropped: list(object({ code: optional(code), count: whole, uid: whole })),
  executor_id: executorId,
  from: time,
  kind: oneOf("refusal_summary"),
  salt,
  to: time,
});

const resolution = object({
  as: oneOf("succeeded", "failed"),
  at: time,
  execution_id: executionId,
  executor_id: executorId,
  from: oneOf("timed_out", "crashed", "outcome_unknown"),
  kind: oneOf("resolution"),
  /** The operator's words, which are shown and never interpreted. */
  note: text(NOTE_LENGTH_MAX),
  peer,
});

const admin = object({
  act: oneOf("halt", "resume", "revoke", "prune", "backup", "restore", "reload"),
  at: time,
  detail: optional(record((member) => DETAIL_NAME.test(member), detailValue)),
  executor_id: executorId,
  kind: oneOf("admin"),
  /** Absent where the daemon acted by itself, or a command ran without one. */
  peer: optional(peer),
  salt,
});

const key = where(
  object({
    at: time,
    executor_id: executorId,
    kind: oneOf("key"),
    new_keyid: digest,
    new_public_key: string,
  }),
  (body) => {
    const publicKey = parseReceiptKey(body.new_public_key);
    return publicKey !== undefined && keyidOf(publicKey) === body.new_keyid;
  },
);

export type ExecutionReceipt = TypeOf<typeof execution>;
export type SignerReceipt = TypeOf<typeof signer>;
export type DecisionReceipt = TypeOf<typeof decision>;
export type RefusalReceipt = TypeOf<typeof refusal>;
export type RefusalSummaryReceipt = TypeOf<typeof refusalSummary>;
export type ResolutionReceipt = TypeOf<typeof resolution>;
export type AdminReceipt = TypeOf<typeof admin>;
export type KeyReceipt = TypeOf<typeof key>;

/** The most frequent first. */
const KINDS = [execution, decision, refusal, refusalSummary, resolution, admin, key];
export type Receipt = TypeOf<(typeof KINDS)[number]>;

export function isReceipt(value: unknown): value is Receipt {
  return KINDS.some((isOfKind) => isOfKind(value));
}
