/**
 * Retention: until when a body is kept, and which bucket it expires with.
 *
 * A bucket ends with the last body in it, so a body lives at most one bucket's width longer than its retention. The
 * width is a twenty-fourth of the retention, but no less than 100 ms and no more than an hour: of any one retention
 * there are never many keys, and each is short-lived (docs/decisions/bucket-width.md).
 */

const SHARE = 24;
const WIDTH_MIN_MS = 100;
const WIDTH_MAX_MS = 3_600_000;

/** What six bytes hold; a longer retention ends there, in the year 10889. */
const BUCKET_MAX_MS = 2 ** 48 - 1;

/** Milliseconds by which a body may outlive `retentionMs`. */
export function bucketWidthMs(retentionMs: number): number {
  return Math.min(WIDTH_MAX_MS, Math.max(WIDTH_MIN_MS, Math.floor(retentionMs / SHARE)));
}

/** End, in ms since 1970, of the bucket for what is sealed now; at least `retentionMs` from now. */
export function bucketFor(nowMs: number, retentionMs: number): number {
  const widthMs = bucketWidthMs(retentionMs);
  return Math.min(BUCKET_MAX_MS, Math.ceil((nowMs + retentionMs) / widthMs) * widthMs);
}
