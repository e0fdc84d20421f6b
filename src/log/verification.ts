/** The report on a receipt: a line for each thing that was checked, and one verdict. */

import type { Receipt } from "./receipt.ts";

export type CheckName =
  | "file"
  | "body"
  | "signature"
  | "executor"
  | "answer"
  | "proposal"
  | "legacy_hash"
  | "request"
  | "result"
  | "inclusion"
  | "checkpoint"
  | "consistency"
  | "witness";

/** `not_checked` is what the caller did not ask for. The verdict does not rest on it. */
export type CheckOutcome = "passed" | "failed" | "not_checked";

export interface Check {
  readonly name: CheckName;
  readonly outcome: CheckOutcome;
  /** For people. It holds no payload, result or salt. */
  readonly detail: string;
}

export interface Verification {
  /** Whether the receipt is genuine and everything that was asked about it holds. */
  readonly ok: boolean;
  /** Null where it is no receipt. Do not believe it unless `ok`. */
  readonly receipt: Receipt | null;
  readonly keyid: string | null;
  /** Its index in the log; null unless proven. */
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

/** Whether no check failed and the signature, on which everything rests, was checked. */
export function isGenuine(checks: readonly Check[]): boolean {
  return checks.every((check) => check.outcome !== "failed") &&
    checks.some((check) => check.name === "signature" && check.outcome === "passed");
}
