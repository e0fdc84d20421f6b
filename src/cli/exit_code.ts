/** How a command ends: one closed list, in the order of the manual page. */

import { InvalidApproverKey } from "../client/approver_key.ts";
import { OpenExecError, OpenExecUnreachable } from "../client/errors.ts";
import { ConfigError } from "../config/config_error.ts";
import { Refusal } from "../core/errors.ts";
import { StartupError } from "../core/startup_error.ts";

export const DONE = 0;
/**
 * Refused, failed, or a verification failed. A run that failed or timed out may have had an effect.
 */
export const FAILED = 1;
/** Usage or configuration. */
export const USAGE = 2;
/** Nobody answers on the socket, and no attempt of this command sent anything. */
const UNREACHABLE = 3;
/** It may have run: look before doing it anew. */
export const UNKNOWN = 4;
/** A proposal that nobody decided on yet. */
export const UNDECIDED = 5;

export type ExitCode =
  | typeof DONE
  | typeof FAILED
  | typeof USAGE
  | typeof UNREACHABLE
  | typeof UNKNOWN
  | typeof UNDECIDED;

/** The meaning of each, for the reference. */
export const EXIT_CODES: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [DONE, "done"],
  [
    FAILED,
    "refused, failed, or a verification failed; a run that failed or was ended may have had " +
    "an effect: a script reads `effect`, which is then `unknown`, before it has anything " +
    "approved anew",
  ],
  [USAGE, "wrong usage or configuration"],
  [UNREACHABLE, "nobody answers on the socket; this command sent nothing"],
  [UNKNOWN, "the outcome is unknown: it may have run; look before doing it anew"],
  [UNDECIDED, "a proposal waits, or runs: ask again under the same nonce"],
];

/** Thrown where a command was called wrongly, or lacks something only its caller can give. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A person said no. */
export class Declined extends Error {
  override readonly name = "Declined";
  constructor({ outputIsTerminal }: { readonly outputIsTerminal: boolean }) {
    const file = outputIsTerminal
      ? ""
      : "; a file that the shell made for the output is empty (--out makes none)";
    super(`declined: nothing was signed${file}`);
  }
}

/** The reason of an abort by Ctrl-C. The outcome of a request under way is then not known. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("interrupted");
  }
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError || error instanceof ConfigError) return USAGE;
  if (error instanceof StartupError || error instanceof InvalidApproverKey) return USAGE;
  if (error instanceof Refusal) return isUnreadable(error) ? USAGE : FAILED;
  if (error instanceof OpenExecUnreachable) return error.effect === "none" ? UNREACHABLE : UNKNOWN;
  if (error instanceof Interrupted) return UNKNOWN;
  if (error instanceof OpenExecError) return isUnsettled(error) ? UNKNOWN : FAILED;
  return FAILED;
}

/** Whether a command could not read what it was given. Refusals of a daemon are OpenExecErrors. */
function isUnreadable({ code }: Refusal): boolean {
  return code === "request_malformed" || code === "request_too_large" || code === "nonce_missing" ||
    code === "payload_not_i_json";
}

/** Codes that say nothing of the outcome where their effect is unknown. */
const UNSETTLED_CODES: ReadonlySet<string> = new Set([
  "outcome_unknown",
  "execution_in_flight",
  "internal_error", // a bug kept it from being told
  "approval_fenced", // a restored copy does not say whether it ran
]);

/** A caller that took one of these for a refusal would have it approved again, and run it twice. */
function isUnsettled({ code, effect }: OpenExecError): boolean {
  return UNSETTLED_CODES.has(code) && effect === "unknown";
}
