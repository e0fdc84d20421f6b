/**
 * From what an executor reports to what is settled.
 *
 * A handler that threw, or whose result is no JSON, has failed. One whose time is over has timed
 * out. A process that ended itself with an exit code has crashed. One that was ended, by the kernel
 * or by the daemon, tells nothing: the outcome is unknown. That includes running out of memory.
 */

import { Buffer } from "node:buffer";
import { cutToReason } from "../core/limits.ts";
import type { Json, Outcome } from "../core/types.ts";
import type { Report } from "./executor_process.ts";
import type { Scrubber } from "./secrets.ts";

export const TIMED_OUT: Outcome = { status: "timed_out", code: "handler_timed_out" };
export const UNKNOWN: Outcome = { status: "outcome_unknown", code: "outcome_unknown" };
const RESULT_INVALID: Outcome = { status: "failed", code: "result_invalid" };

export function outcomeOf(report: Report, scrubber: Scrubber, resultBytesMax: number): Outcome {
  switch (report.kind) {
    case "succeeded":
      return succeeded(report.result, scrubber, resultBytesMax);
    case "failed":
      return failed(report, scrubber);
    case "crashed":
      return { status: "crashed", code: "handler_crashed" };
    case "gone":
      return UNKNOWN;
  }
}

/** Secrets are taken out first: of one that is cut, nothing would be found. */
function failed(
  { code, publicReason }: Extract<Report, { readonly kind: "failed" }>,
  scrubber: Scrubber,
): Outcome {
  if (publicReason === null) return { status: "failed", code };
  return { status: "failed", code, reason: cutToReason(scrubber.text(publicReason)) };
}

function succeeded(result: string, scrubber: Scrubber, bytesMax: number): Outcome {
  const resultText = scrubber.idle ? result : scrubbed(result, scrubber);
  if (resultText === null || Buffer.byteLength(resultText) > bytesMax) return RESULT_INVALID;
  return { status: "succeeded", resultText };
}

/** The same text where no secret was in it; null when it is no JSON. */
function scrubbed(result: string, scrubber: Scrubber): string | null {
  try {
    const value: Json = JSON.parse(result);
    const clean = JSON.stringify(scrubber.value(value));
    return clean === JSON.stringify(value) ? result : clean;
  } catch {
    return null;
  }
}
