/** Says whether proposals can be decided here, and what waits. */

import type { LedgerSnapshot } from "../../audit/snapshot.ts";
import type { Config } from "../../config/config.ts";
import { spanText } from "../../core/span.ts";
import { fileStatus } from "../../os/files.ts";
import { failed, type Finding, findingOf, ok, warning } from "./finding.ts";
import type { Vantage } from "./keys.ts";

/** A daemon that serves has made the sockets that it was started with. */
export function checkDeciding({ mode, sockets }: Config, { isServing }: Vantage): Finding[] {
  if (mode === "demo") return [];
  const deciding = sockets.filter(({ role }) => role === "approver");
  if (deciding.length === 0) {
    return [
      warning(
        "proposals",
        "no socket takes decisions: each would wait until it expires",
        'add a [[sockets]] table with role = "approver"',
      ),
    ];
  }
  try {
    const missing = deciding.filter(({ path }) => isServing && fileStatus(path) === undefined);
    return missing.map(({ path }) =>
      failed("proposals", `the daemon that serves has no socket ${path}`, "restart the daemon")
    );
  } catch (error) {
    return findingOf("proposals", error);
  }
}

/** The ledger knows what waits, whether a daemon serves or not. */
export function waitingFinding(snapshot: LedgerSnapshot, nowMs: number): Finding {
  const ids = [...snapshot.waiting()];
  const oldest = ids[0] === undefined ? undefined : snapshot.proposal(ids[0]);
  if (oldest === undefined) return ok("proposals", "none waits");
  const seconds = Math.max(0, Math.round((nowMs - oldest.proposedAtMs) / 1000));
  return ok("proposals", `waiting: ${ids.length}, the oldest for ${spanText(seconds)}`);
}
