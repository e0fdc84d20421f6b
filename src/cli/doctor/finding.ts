/** The findings of `openexec doctor`, each with what to do about it. */

import { ConfigError, type ConfigProblem, problemText } from "../../config/config_error.ts";
import { StartupError } from "../../core/startup_error.ts";

export interface Finding {
  readonly check: string;
  readonly state: "ok" | "warning" | "failed";
  readonly detail: string;
  /** null where there is nothing to do. */
  readonly remedy: string | null;
}

export function ok(check: string, detail: string): Finding {
  return { check, state: "ok", detail, remedy: null };
}

export function warning(check: string, detail: string, remedy: string): Finding {
  return { check, state: "warning", detail, remedy };
}

export function failed(check: string, detail: string, remedy: string): Finding {
  return { check, state: "failed", detail, remedy };
}

export const AS_THE_DAEMON = "run this as the user the daemon runs as";

function remedyOf({ line }: ConfigProblem): string {
  return line === null
    ? "name a file that this user can read, with --config or $OPENEXEC_CONFIG"
    : "mend that line; see docs/config.md";
}

/** Turns what a daemon's start would stop at into findings. A bug of ours goes on. */
export function findingOf(check: string, error: unknown): Finding[] {
  if (error instanceof StartupError) return [failed(check, error.what, error.remedy)];
  if (error instanceof ConfigError) {
    return error.problems.map((problem) => failed(check, problemText(problem), remedyOf(problem)));
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return [failed(check, "this user may not look at it", AS_THE_DAEMON)];
  }
  throw error;
}
