/**
 * The shape of every kind of receipt body, for whoever reads one: strict, so that an unknown member, a status that
 * contradicts its code, or an enforced execution without an approval is no receipt at all.
 *
 * Invariant: every shape names its members in the order of RFC 8785 (by UTF-16 code units), and valibot returns them in the
 * order of the shape. So what it returns prints as the canonical text, whatever the order it was read in.
 *
 * Strings that came from an agent (action, nonce, jti) are names: 1 to 255 characters of visible ASCII.
 */

import * as v from "valibot";
import { ERROR_CODES, type ErrorCode } from "../core/errors.ts";
import { isName } from "../core/limits.ts";
import type { Digest } from "../core/types.ts";
import { keyidOf, parseReceiptKey } from "./keyid.ts";
import { parseTime } from "./time.ts";

/** A name without a plus: it is part of a note's key name. */
const EXECUTOR_ID = /^[\x21-\x2a\x2c-\x7e]{1,255}$/;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TRACE_ID = /^[0-9a-f]{32}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** No digits first: JavaScript would move such a member before all others, and out of canonical order. */
const DETAIL_NAME = /^[a-z][a-z_]{0,63}$/;
/** Characters of an operator's note. */
const NOTE_LENGTH_MAX = 4096;

const text = (max: number) => v.custom<string>((value) => isText(value) && value.length <= max);
const name = v.custom<string>((value) => typeof value === "string" && isName(value));
const time = v.custom<string>((value) => typeof value === "string" && parseTime(value) !== undefined);
const digest = v.custom<Digest>((value) => typeof value === "string" && DIGEST.test(value));
const whole = v.custom<number>((value) => Number.isSafeInteger(value) && Number(value) >= 0);
const code = v.picklist(ERROR_CODES);
const executorId = v.custom<string>((value) => typeof value === "string" && EXECUTOR_ID.test(value));
const executionId = v.custom<string>((value) => typeof value === "string" && UUID_V7.test(value));
const traceId = v.custom<string>((value) => typeof value === "string" && TRACE_ID.test(value));
const detail = v.pipe(
  v.record(v.pipe(v.string(), v.regex(DETAIL_NAME)), v.union([text(1024), whole, v.boolean()])),
  v.check((names) => Object.keys(names).every((name, i, all) => i === 0 || (all[i - 1] ?? "") < name)),
);
const status = v.picklist(["succeeded", "failed", "timed_out", "crashed", "outcome_unknown"]);
const peer = v.strictObject({ gid: whole, pid: whole, socket: text(255), uid: whole });

const approval = v.strictObject({
  iss: name,
  jti: name,
  scheme: v.picklist(["dsse", "clawshield"]),
  signers: v.pipe(v.array(v.strictObject({ keyid: name, name })), v.minLength(1)),
});

/** Which codes each outcome may carry; a success carries none. */
const CODES_OF: Readonly<Record<v.InferOutput<typeof status>, readonly (ErrorCode | undefined)[]>> = {
  succeeded: [undefined],
  failed: ["handler_failed", "result_invalid"],
  timed_out: ["handler_timed_out"],
  crashed: ["handler_crashed"],
  outcome_unknown: ["outcome_unknown"],
};

const execution = v.pipe(
  v.strictObject({
    action: name,
    approval: v.exactOptional(approval),
    code: v.exactOptional(code),
    /** Present only where the approver's key was one any process of the same user could read. */
    development_approver: v.exactOptional(v.literal(true)),
    execution_id: executionId,
    executor_id: executorId,
    handler_digest: digest,
    kind: v.literal("execution"),
    mode: v.picklist(["enforced", "demo"]),
    nonce: name,
    peer,
    received_at: time,
    request_commitment: digest,
    reserved_at: time,
    result_commitment: v.exactOptional(digest),
    settled_at: time,
    started_at: v.exactOptional(time),
    status,
    trace_id: v.exactOptional(traceId),
  }),
  v.check((body) => CODES_OF[body.status].includes(body.code)),
  v.check((body) => (body.mode === "enforced") === (body.approval !== undefined)),
  v.check((body) => (body.status === "succeeded") === (body.result_commitment !== undefined)),
);

const refusal = v.strictObject({
  action: v.exactOptional(name),
  at: time,
  code,
  executor_id: executorId,
  kind: v.literal("refusal"),
  nonce: v.exactOptional(name),
  peer,
});

const refusalSummary = v.strictObject({
  dropped: v.pipe(
    v.array(v.strictObject({ code: v.exactOptional(code), count: whole, uid: whole })),
    v.minLength(1),
  ),
  executor_id: executorId,
  from: time,
  kind: v.literal("refusal_summary"),
  to: time,
});

const resolution = v.strictObject({
  as: v.picklist(["succeeded", "failed"]),
  at: time,
  execution_id: executionId,
  executor_id: executorId,
  from: v.picklist(["timed_out", "crashed", "outcome_unknown"]),
  kind: v.literal("resolution"),
  /** The operator's words: shown to people, never interpreted. */
  note: text(NOTE_LENGTH_MAX),
  peer,
});

const admin = v.strictObject({
  act: v.picklist(["halt", "resume", "revoke", "prune", "backup", "restore", "reload"]),
  at: time,
  detail: v.exactOptional(detail),
  executor_id: executorId,
  kind: v.literal("admin"),
  /** Absent where the daemon, or a command run without one, did it itself. */
  peer: v.exactOptional(peer),
});

const key = v.pipe(
  v.strictObject({
    at: time,
    executor_id: executorId,
    kind: v.literal("key"),
    new_keyid: digest,
    new_public_key: v.string(),
  }),
  v.check((body) => {
    const publicKey = parseReceiptKey(body.new_public_key);
    return publicKey !== undefined && keyidOf(publicKey) === body.new_keyid;
  }),
);

export type ExecutionReceipt = v.InferOutput<typeof execution>;
export type RefusalReceipt = v.InferOutput<typeof refusal>;
export type RefusalSummaryReceipt = v.InferOutput<typeof refusalSummary>;
export type ResolutionReceipt = v.InferOutput<typeof resolution>;
export type AdminReceipt = v.InferOutput<typeof admin>;
export type KeyReceipt = v.InferOutput<typeof key>;

export const receiptSchema = v.variant("kind", [execution, refusal, refusalSummary, resolution, admin, key]);
export type Receipt = v.InferOutput<typeof receiptSchema>;

function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}
