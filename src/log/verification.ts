/** What verifying a receipt reports: one line for each thing that was looked at, and one verdict. */

import type { Receipt } from "./receipt.ts";

export type CheckName =
  | "file"
  | "body"
  | "signature"
  | "executor"
  | "answer"
  | "legacy_hash"
  | "request"
  | "result"
  | "inclusion"
  | "checkpoint"
  | "consistency"
  | "witness";

/** `not_checked`: nobody asked for it, and the verdict does not rest on it. What was asked for passes or fails. */
export type CheckOutcome = "passed" | "failed" | "not_checked";

export interface Check {
  readonly name: CheckName;
  readonly outcome: CheckOutcome;
  /** For people; holds no payload, result or salt. */
  readonly detail: string;
}

export interface Verification {
  /** The receipt is genuine, and everything that was asked about it holds. */
  readonly ok: boolean;
  /** What it says; null when it is no receipt. Not to be believed unless `ok`. */
  readonly receipt: Receipt | null;
  readonly keyid: string | null;
  /** Its place in the log, once proven. */
  readonly logIndex: number | null;
  readonly checks: readonly Check[];
}

export function passed(name: CheckName, detail: string): Check {
  return { name, outcome: "passed", detail };
}

export function failed(name: CheckName, detail: string): Check {
  return { name, outcome: "failed", detail };
}

export function notChecked(name: CheckName, detail: string): Check {
  return { name, outcome: "not_checked", detail };
}

/** Not one check failed, and the one that everything rests on was made. */
export function isGenuine(checks: readonly Check[]): boolean {
  return checks.every((check) => check.outcome !== "failed") &&
    checks.some((check) => check.name === "signature" && check.outcome === "passed");
}
