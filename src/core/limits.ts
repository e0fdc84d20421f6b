/**
 * Fixed limits. No configuration moves them, because they protect this program and are no policy.
 * Configurable limits are in config/config.ts.
 */

/** How deep arrays and objects may nest. The request's own object is the first level. */
export const NESTING_DEPTH_MAX = 128;

/** Characters of a name: action, nonce, jti, iss, tenant, aud, keyid. */
export const NAME_LENGTH_MAX = 255;

/** Signatures in one envelope. Each costs a verification, for a sender who may be anyone. */
export const SIGNATURES_MAX = 64;

/** Bytes of one signature of an envelope. */
export const SIGNATURE_BYTES_MAX = 4096;

/** UTF-16 code units of an approval's canonical text. A longer one is malformed. */
export const APPROVAL_LENGTH_MAX = 64 * 1024;

/** The members of a request of POST /execute. */
export const EXECUTE_MEMBERS: readonly string[] = [
  "action",
  "payload",
  "nonce",
  "approval",
  "approval_artifact",
];

/** Executions that one approval may start at most (`uses`). */
export const USES_MAX = 10_000;

const NAME = /^[\x21-\x7e]{1,255}$/;

/** Tells whether `text` is a name: 1 to 255 characters of visible ASCII (0x21-0x7E). */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** UTF-16 code units of the note with which an operator resolves an execution. */
export const NOTE_LENGTH_MAX = 1_000;

/** Characters of a reason, an agent's or an approver's. Longer ones are documents. */
export const REASON_LENGTH_MAX = 500;

/** Tells whether `text` is a reason: at most 500 characters (Unicode code points), well-formed. */
export function isReason(text: string): boolean {
  return text.length <= 2 * REASON_LENGTH_MAX && text.isWellFormed() &&
    [...text].length <= REASON_LENGTH_MAX;
}

/** The beginning of `text` that is a reason, with U+FFFD for what is not well-formed. */
export function cutToReason(text: string): string {
  const beginning = text.slice(0, 2 * REASON_LENGTH_MAX).toWellFormed();
  return [...beginning].slice(0, REASON_LENGTH_MAX).join("");
}
