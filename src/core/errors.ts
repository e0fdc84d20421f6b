/**
 * Every error that openexec answers with: one closed table, in the order of the checks.
 *
 * A new code is a row here and one in test/engine/execute.test.ts, or a test of proposals. One of
 * an outcome also goes into CODES_OF of log/receipt_schema.ts, and one that leaves a run unsettled
 * into cli/exit_code.ts.
 *
 * Invariant: a refusal carries a code of this table, and callers decide on the code alone. `detail`
 * is our own text and never holds a payload, a token, a key or a path. `docs/errors.md` is
 * generated from this file.
 */

/** The effect on the world: `none`, since nothing ran, or `unknown`, since something may have. */
export type Effect = "none" | "unknown";

/** The caller's next step: give up, send the same request again, or get a new approval first. */
export type Retry = "never" | "same_request" | "new_approval";

/** One row of the table. */
export interface ErrorRow {
  /** HTTP status. */
  readonly status: number;
  /** Title by RFC 9457. */
  readonly title: string;
  readonly retry: Retry;
  readonly effect: Effect;
  /** Says what to do, to the person who meets it. */
  readonly help: string;
}

/** Completes a row: the effect is "none" unless it says otherwise. */
function row(
  facts: Omit<ErrorRow, "effect" | "help"> & { effect?: Effect },
  help: string,
): ErrorRow {
  return { effect: "none", ...facts, help };
}

export const ERRORS = {
  // 1: who is asking, and for what
  peer_denied: row(
    { status: 403, title: "Peer denied", retry: "never" },
    "Connect as a user this socket's `uids` admits, or through another socket.",
  ),
  rate_limited: row(
    { status: 429, title: "Too many requests", retry: "same_request" },
    "Wait for the seconds named in Retry-After, then send the same request again.",
  ),
  route_not_found: row(
    { status: 404, title: "No such route", retry: "never" },
    "See docs/http-api.md for the routes of this socket.",
  ),
  method_not_allowed: row(
    { status: 405, title: "Method not allowed", retry: "never" },
    "Use a method named in the Allow header.",
  ),
  admin_only: row(
    { status: 403, title: "Admin socket only", retry: "never" },
    'Send this to a socket whose role is "admin".',
  ),
  role_denied: row(
    { status: 403, title: "Not on this socket", retry: "never" },
    "Send this to a socket of another role; docs/http-api.md says which roles serve a route.",
  ),
  // 2: the bytes of the request
  request_too_large: row(
    { status: 413, title: "Request too large", retry: "never" },
    "Make the request smaller, or raise limits.request_bytes.",
  ),
  request_malformed: row(
    { status: 400, title: "Request malformed", retry: "never" },
    "Send one JSON object with action, payload, nonce and approval; see `openexec request`.",
  ),
  payload_not_i_json: row(
    { status: 400, title: "Request is not I-JSON", retry: "never" },
    "Remove duplicate keys and lone surrogates; write integers past 2^53 - 1 as strings.",
  ),
  nonce_missing: row(
    { status: 400, title: "Nonce missing", retry: "never" },
    "Add a nonce of 1 to 255 visible ASCII characters that was never used before.",
  ),
  // 3 and 9: the nonce
  nonce_reused: row(
    { status: 422, title: "Nonce already used", retry: "new_approval" },
    "Take a fresh nonce and have it approved; this one belongs to another request.",
  ),
  execution_in_flight: row(
    { status: 409, title: "Execution in flight", retry: "same_request", effect: "unknown" },
    "It runs right now. Send the same request again, with `Prefer: wait=N` to wait for its end.",
  ),
  proposal_not_found: row(
    { status: 404, title: "No such proposal", retry: "never" },
    "It does not exist, this peer may not see it, or it was pruned.",
  ),
  proposal_over: row(
    { status: 409, title: "Proposal is over", retry: "never" },
    "It runs, or it has ended; GET /proposals/{id} says how. Nothing was changed.",
  ),
  // 4: the state of the daemon
  halted: row(
    { status: 503, title: "Halted", retry: "same_request" },
    "An operator stopped new executions; `openexec resume` lifts it.",
  ),
  draining: row(
    { status: 503, title: "Draining", retry: "same_request" },
    "The daemon is stopping; send the same request again once it is back.",
  ),
  // 5: the action
  action_not_allowed: row(
    { status: 403, title: "Action not allowed", retry: "never" },
    "Add the action to the allow-list of this socket or of OPENEXEC_ALLOWED_ACTIONS.",
  ),
  action_unknown: row(
    { status: 400, title: "Action unknown", retry: "never" },
    "See `openexec actions` for the registered names.",
  ),
  // 6: the approval, in the order of its checks
  approval_missing: row(
    { status: 403, title: "Approval missing", retry: "new_approval" },
    "Have the request approved with `openexec approve`; in enforced mode nothing runs without.",
  ),
  approval_unobtainable: row(
    { status: 403, title: "Nobody could approve this", retry: "never" },
    "Configure enough approvers for this action, with keys that are valid now.",
  ),
  proposal_declined: row(
    { status: 403, title: "Declined", retry: "never" },
    "An approver said no; `decline.reason` says why. Propose something else.",
  ),
  decision_malformed: row(
    { status: 400, title: "Decision malformed", retry: "never" },
    "Make the decision with `openexec review`, `decide` or the SDK; see docs/http-api.md.",
  ),
  approval_malformed: row(
    { status: 403, title: "Approval malformed", retry: "new_approval" },
    "Make the approval with `openexec approve` or the SDK; its shape is in docs/http-api.md.",
  ),
  approval_signer_unknown: row(
    { status: 403, title: "Approval signer unknown", retry: "new_approval" },
    "Sign with a key listed under [[approvers]] that is valid now; `iss` is the approver's name.",
  ),
  approval_signature_invalid: row(
    { status: 403, title: "Invalid signature", retry: "new_approval" },
    "The bytes differ from what was signed; approve the request again.",
  ),
  approval_not_yet_valid: row(
    { status: 403, title: "Approval not yet valid", retry: "same_request" },
    "Wait until `iat` and `nbf` are past, and compare the clocks of approver and host.",
  ),
  approval_expired: row(
    { status: 403, title: "Approval expired", retry: "new_approval" },
    "Approve the request again.",
  ),
  approval_ttl_too_long: row(
    { status: 403, title: "Approval lives too long", retry: "new_approval" },
    "Approve with a --ttl within the approver's max_ttl.",
  ),
  approval_audience_mismatch: row(
    { status: 403, title: "Approval is for another executor", retry: "new_approval" },
    "Approve with --aud set to the executor_id that GET / names.",
  ),
  approval_subject_mismatch: row(
    { status: 403, title: "Approval is for another peer", retry: "new_approval" },
    "Only the peer named in `sub` may use it.",
  ),
  approval_tenant_mismatch: row(
    { status: 403, title: "Tenant mismatch", retry: "new_approval" },
    "Approve with the tenant that GET / names, or without one where none is configured.",
  ),
  approval_action_mismatch: row(
    { status: 403, title: "Approval is for another action or payload", retry: "new_approval" },
    "Action and payload must be exactly what was approved; approve again what you mean to run.",
  ),
  approval_nonce_mismatch: row(
    { status: 403, title: "Approval is for another nonce", retry: "new_approval" },
    "Send the nonce that was approved.",
  ),
  approval_handler_mismatch: row(
    { status: 403, title: "Approval is for another handler", retry: "new_approval" },
    "The handler's code changed since the approval; look at it and approve again.",
  ),
  approval_scope_denied: row(
    { status: 403, title: "Approver may not approve this action", retry: "new_approval" },
    "Have it approved by someone whose `actions` include it.",
  ),
  approval_key_too_weak: row(
    { status: 403, title: "A stronger key is needed", retry: "new_approval" },
    "Sign with a key that meets the action's `require`: a security key, or a passkey that cannot " +
      "be synced; for user_verified with its PIN or finger.",
  ),
  approval_signers_insufficient: row(
    { status: 403, title: "More approvers needed", retry: "new_approval" },
    "Have another approver sign it too, of the group that is missing where groups are asked for.",
  ),
  // 7: the action's input schema
  payload_invalid: row(
    { status: 400, title: "Payload does not fit the action", retry: "never" },
    "Compare the payload with the schema in GET /actions; the handler's own is what decides.",
  ),
  // 8: room for it
  proposals_full: row(
    { status: 429, title: "Too many proposals wait", retry: "same_request" },
    "Wait for some to end, withdraw one, or raise proposals.per_uid or proposals.total.",
  ),
  executor_busy: row(
    { status: 503, title: "Executor busy", retry: "same_request" },
    "All slots of this action are taken; send the same request again, or raise its concurrency.",
  ),
  executor_unavailable: row(
    { status: 503, title: "Executor unavailable", retry: "same_request" },
    "No executor process could be had; see `openexec status` and the daemon's log.",
  ),
  storage_full: row(
    { status: 507, title: "Storage full", retry: "same_request" },
    "Free space in the state directory's file system; nothing ran.",
  ),
  ledger_unavailable: row(
    { status: 503, title: "Ledger unavailable", retry: "same_request" },
    "The ledger cannot be written; see the daemon's log, then run `openexec audit`.",
  ),
  // 9: inside the reservation (and nonce_reused, above)
  approval_fenced: row(
    { status: 403, title: "Approval older than the ledger", retry: "new_approval" },
    "It was issued before the ledger was made or restored, and may have been used; approve again.",
  ),
  approval_revoked: row(
    { status: 403, title: "Approval revoked", retry: "new_approval" },
    "It was withdrawn; ask the approver why before approving again.",
  ),
  approval_already_used: row(
    { status: 409, title: "Approval already used", retry: "new_approval" },
    "An approval starts as many executions as it says, one by default; approve again.",
  ),
  // 10: after the reservation
  handler_failed: row(
    { status: 500, title: "Handler failed", retry: "never", effect: "unknown" },
    "The handler threw; its effect downstream is unknown. Look before you approve it anew.",
  ),
  result_invalid: row(
    { status: 500, title: "Result invalid", retry: "never", effect: "unknown" },
    "The handler ran but its result is no JSON, too large or unlike its output schema.",
  ),
  handler_timed_out: row(
    { status: 504, title: "Handler timed out", retry: "never", effect: "unknown" },
    "It was ended at its time limit; look downstream, then `openexec resolve`.",
  ),
  handler_crashed: row(
    { status: 500, title: "Handler crashed", retry: "never", effect: "unknown" },
    "Its process ended itself without an outcome; look downstream, then `openexec resolve`.",
  ),
  outcome_unknown: row(
    { status: 500, title: "Outcome unknown", retry: "never", effect: "unknown" },
    "The executor or the daemon went away mid-way; look downstream, then `openexec resolve`.",
  ),
  // ends of a proposal that never ran
  proposal_expired: row(
    { status: 403, title: "Proposal expired", retry: "new_approval" },
    "Nobody decided in time; propose it again under a fresh nonce.",
  ),
  proposal_withdrawn: row(
    { status: 403, title: "Proposal withdrawn", retry: "never" },
    "Its proposer took it back; propose it again under a fresh nonce if it is meant after all.",
  ),
  // outside the order
  execution_not_found: row(
    { status: 404, title: "No such execution", retry: "never" },
    "It does not exist, or this peer did not ask for it.",
  ),
  not_resolvable: row(
    { status: 409, title: "Not resolvable", retry: "never" },
    "Only crashed, timed_out and outcome_unknown executions can be resolved, once.",
  ),
  internal_error: row(
    { status: 500, title: "Internal error", retry: "same_request", effect: "unknown" },
    "A bug in openexec: see the daemon's log. The nonce keeps a retry safe.",
  ),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

/** Codes in the order of the table. Where several apply, the first is reported. */
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(ERRORS).filter(isErrorCode);

/** Thrown anywhere, answered by server/reply.ts. `detail` holds no secret; a cause is logged. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, detail: string = ERRORS[code].help, options: ErrorOptions = {}) {
    super(`${code}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }
}
