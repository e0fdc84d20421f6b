/**
 * Every error openexec answers with: one closed table, in the order in which the causes are decided.
 *
 * Invariant: a refusal carries a code of this table and nothing else decides on it; `detail` is written by us and never
 * holds a payload, a token, a key or a path. `docs/errors.md` is generated from this file.
 */

import { type Effect, type ErrorRow, type Retry, row } from "./error_row.ts";

export type { Effect, ErrorRow, Retry };

export const ERRORS = {
  // 1: who is asking, and for what
  peer_denied: row(
    403,
    "Peer denied",
    "never",
    "Connect as a user this socket's `uids` admits, or through another socket.",
  ),
  rate_limited: row(
    429,
    "Too many requests",
    "same_request",
    "Wait for the seconds named in Retry-After, then send the same request again.",
  ),
  route_not_found: row(
    404,
    "No such route",
    "never",
    "See docs/http-api.md for the routes of this socket.",
  ),
  method_not_allowed: row(
    405,
    "Method not allowed",
    "never",
    "Use a method named in the Allow header.",
  ),
  admin_only: row(
    403,
    "Admin socket only",
    "never",
    'Send this to a socket whose role is "admin".',
  ),
  // 2: the bytes of the request
  request_too_large: row(
    413,
    "Request too large",
    "never",
    "Make the request smaller, or raise limits.request_bytes.",
  ),
  request_malformed: row(
    400,
    "Request malformed",
    "never",
    "Send one JSON object with action, payload, nonce and approval; `openexec request` prints one.",
  ),
  payload_not_i_json: row(
    400,
    "Request is not I-JSON",
    "never",
    "Remove duplicate keys, lone surrogates and numbers a double cannot hold exactly (RFC 7493); write large integers as strings.",
  ),
  nonce_missing: row(
    400,
    "Nonce missing",
    "never",
    "Add a nonce of 1 to 255 visible ASCII characters that was never used before.",
  ),
  // 3 and 9: the nonce
  nonce_reused: row(
    422,
    "Nonce already used",
    "new_approval",
    "Take a fresh nonce and have it approved; this one belongs to another request.",
  ),
  execution_in_flight: row(
    409,
    "Execution in flight",
    "same_request",
    "It runs right now. Send the same request again, with `Prefer: wait=N` to wait for the outcome.",
    "unknown",
  ),
  // 4: the state of the daemon
  halted: row(
    503,
    "Halted",
    "same_request",
    "An operator stopped new executions; `openexec resume` lifts it.",
  ),
  draining: row(
    503,
    "Draining",
    "same_request",
    "The daemon is stopping; send the same request again once it is back.",
  ),
  // 5: the action
  action_not_allowed: row(
    403,
    "Action not allowed",
    "never",
    "Add the action to the allow-list of this socket or of OPENEXEC_ALLOWED_ACTIONS.",
  ),
  action_unknown: row(
    400,
    "Action unknown",
    "never",
    "See `openexec actions` for the registered names.",
  ),
  // 6: the approval, in the order of its checks
  approval_missing: row(
    403,
    "Approval missing",
    "new_approval",
    "Have the request approved with `openexec approve`; in enforced mode nothing runs without.",
  ),
  approval_malformed: row(
    403,
    "Approval malformed",
    "new_approval",
    "Make the approval with `openexec approve` or the SDK; its shape is in docs/http-api.md.",
  ),
  approval_signer_unknown: row(
    403,
    "Approval signer unknown",
    "new_approval",
    "Sign with a key listed under [[approvers]] that is valid now; `iss` is the approver's name.",
  ),
  approval_signature_invalid: row(
    403,
    "Invalid signature",
    "new_approval",
    "The bytes differ from what was signed; approve the request again.",
  ),
  approval_not_yet_valid: row(
    403,
    "Approval not yet valid",
    "same_request",
    "Wait until `iat` and `nbf` are past, and compare the clocks of approver and host.",
  ),
  approval_expired: row(403, "Approval expired", "new_approval", "Approve the request again."),
  approval_ttl_too_long: row(
    403,
    "Approval lives too long",
    "new_approval",
    "Approve with a --ttl within the approver's max_ttl.",
  ),
  approval_audience_mismatch: row(
    403,
    "Approval is for another executor",
    "new_approval",
    "Approve with --aud set to the executor_id that GET / names.",
  ),
  approval_subject_mismatch: row(
    403,
    "Approval is for another peer",
    "new_approval",
    "Only the peer named in `sub` may use it.",
  ),
  approval_tenant_mismatch: row(
    403,
    "Tenant mismatch",
    "new_approval",
    "Approve with the tenant that GET / names, or without one where none is configured.",
  ),
  approval_action_mismatch: row(
    403,
    "Approval is for another action or payload",
    "new_approval",
    "Action and payload must be exactly what was approved; approve again what you mean to run.",
  ),
  approval_nonce_mismatch: row(
    403,
    "Approval is for another nonce",
    "new_approval",
    "Send the nonce that was approved.",
  ),
  approval_handler_mismatch: row(
    403,
    "Approval is for another handler",
    "new_approval",
    "The handler's code changed since the approval; look at it and approve again.",
  ),
  approval_scope_denied: row(
    403,
    "Approver may not approve this action",
    "new_approval",
    "Have it approved by someone whose `actions` include it.",
  ),
  approval_signers_insufficient: row(
    403,
    "More approvers needed",
    "new_approval",
    "Run `openexec approve` again with the key of another approver.",
  ),
  // 7: the action's input schema
  payload_invalid: row(
    400,
    "Payload does not fit the action",
    "never",
    "Compare the payload with the schema that GET /actions shows.",
  ),
  // 8: room for it
  executor_busy: row(
    503,
    "Executor busy",
    "same_request",
    "All slots of this action are taken; send the same request again, or raise its concurrency.",
  ),
  executor_unavailable: row(
    503,
    "Executor unavailable",
    "same_request",
    "No executor process could be had; see `openexec status` and the daemon's log.",
  ),
  storage_full: row(
    507,
    "Storage full",
    "same_request",
    "Free space in the state directory's file system; nothing ran.",
  ),
  ledger_unavailable: row(
    503,
    "Ledger unavailable",
    "same_request",
    "The ledger cannot be written; see the daemon's log, then run `openexec audit`.",
  ),
  // 9: inside the reservation (and nonce_reused, above)
  approval_fenced: row(
    403,
    "Approval older than a restore",
    "new_approval",
    "The ledger was restored after this approval was issued; approve again.",
  ),
  approval_revoked: row(
    403,
    "Approval revoked",
    "new_approval",
    "It was withdrawn; ask the approver why before approving again.",
  ),
  approval_already_used: row(
    409,
    "Approval already used",
    "new_approval",
    "An approval starts as many executions as it says, one by default; approve again.",
  ),
  // 10: after the reservation
  handler_failed: row(
    500,
    "Handler failed",
    "never",
    "The handler threw; its effect downstream is unknown. Look before you approve it anew.",
    "unknown",
  ),
  result_invalid: row(
    500,
    "Result invalid",
    "never",
    "The handler ran but its result is no JSON, too large or unlike its output schema.",
    "unknown",
  ),
  handler_timed_out: row(
    504,
    "Handler timed out",
    "never",
    "It was ended at its time limit; look downstream, then `openexec resolve`.",
    "unknown",
  ),
  handler_crashed: row(
    500,
    "Handler crashed",
    "never",
    "Its worker ended without an outcome; look downstream, then `openexec resolve`.",
    "unknown",
  ),
  outcome_unknown: row(
    500,
    "Outcome unknown",
    "never",
    "The executor or the daemon went away mid-way; look downstream, then `openexec resolve`.",
    "unknown",
  ),
  // outside the order
  execution_not_found: row(
    404,
    "No such execution",
    "never",
    "It does not exist, or this peer did not ask for it.",
  ),
  not_resolvable: row(
    409,
    "Not resolvable",
    "never",
    "Only crashed, timed_out and outcome_unknown executions can be resolved, once.",
  ),
  internal_error: row(
    500,
    "Internal error",
    "same_request",
    "A bug in openexec: see the daemon's log. The nonce keeps a retry safe.",
    "unknown",
  ),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** Codes in table order: of several causes the first is reported. */
export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];

/** A refusal: thrown anywhere, answered by server/reply.ts. `detail` is for the caller and holds no secret. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(readonly code: ErrorCode, readonly detail: string = ERRORS[code].help) {
    super(`${code}: ${detail}`);
  }
}
