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
  typeof value === "boolean" || whole(value) || shortText(value);
const status = oneOf("succeeded", "failed", "timed_out", "crashed", "outcome_unknown");
const peer = object({ gid: whole, pid: whole, socket: text(255), uid: whole });

const approval = object({
  iss: name,
  jti: name,
  scheme: oneOf("dsse", "clawshield"),
  signers: list(object({ keyid: name, name })),
});

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
    (body.status === "succeeded") === (body.result_commitment !== undefined),
);

const refusal = object({
  action: optional(name),
  at: time,
  code,
  executor_id: executorId,
  kind: oneOf("refusal"),
  nonce: optional(name),
  peer,
});

const refusalSummary = object({
  dropped: list(object({ code: optional(code), count: whole, uid: whole })),
  executor_id: executorId,
  from: time,
  kind: oneOf("refusal_summary"),
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
export type RefusalReceipt = TypeOf<typeof refusal>;
export type RefusalSummaryReceipt = TypeOf<typeof refusalSummary>;
export type ResolutionReceipt = TypeOf<typeof resolution>;
export type AdminReceipt = TypeOf<typeof admin>;
export type KeyReceipt = TypeOf<typeof key>;

/** The most frequent first. */
const KINDS = [execution, refusal, refusalSummary, resolution, admin, key];
export type Receipt = TypeOf<(typeof KINDS)[number]>;

export function isReceipt(value: unknown): value is Receipt {
  return KINDS.some((isOfKind) => isOfKind(value));
}
