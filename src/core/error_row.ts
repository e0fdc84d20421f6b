/** What one row of the error table says (core/errors.ts). */

/** What may have happened in the world: `none`, nothing ran; `unknown`, it may have. */
export type Effect = "none" | "unknown";

/** What the caller may do: give up, send the very same request again, or ask for a new approval first. */
export type Retry = "never" | "same_request" | "new_approval";

/** One row: HTTP status, RFC 9457 title, effect, retry, and a sentence for the person who meets it. */
export interface ErrorRow {
  readonly status: number;
  readonly title: string;
  readonly effect: Effect;
  readonly retry: Retry;
  readonly help: string;
}

export function row(
  status: number,
  title: string,
  retry: Retry,
  help: string,
  effect: Effect = "none",
): ErrorRow {
  return { status, title, effect, retry, help };
}
