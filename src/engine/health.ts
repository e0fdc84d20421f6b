/** How the daemon is, told truthfully: OpenExec 0.1.10's fields, and whatever keeps it from taking work. */

import type { HealthView } from "./views.ts";
import type { EngineParts } from "./parts.ts";

export interface HealthParts
  extends Pick<EngineParts, "config" | "ledger" | "executors" | "trust" | "developmentApprover"> {
  readonly draining: () => boolean;
}

export function healthOf(parts: HealthParts): HealthView {
  const { config, ledger, trust, developmentApprover } = parts;
  const isDemo = ledger.mode === "demo";
  const refusing = reasonsToRefuse(parts);
  return {
    status: refusing.length === 0 ? "healthy" : "unhealthy",
    exec_mode: isDemo ? "demo" : trust.takesClawshield ? "clawshield" : "enforced",
    signature_verification: isDemo ? "disabled" : "enabled",
    ...restrictionOf(config.allowedActions),
    ...(developmentApprover ? { development_approver: true } : {}),
    ...(refusing.length === 0 ? {} : { refusing }),
  };
}

/** In OpenExec 0.1.10's own words, which its clients may compare. */
function restrictionOf(
  allowed: ReadonlySet<string> | null,
): { restriction: "open"; warning: string } | { restriction: "restricted"; allow_list: string[] } {
  return allowed === null
    ? { restriction: "open", warning: "No execution allow-list configured" }
    : { restriction: "restricted", allow_list: [...allowed] };
}

/** Error codes of what stands in the way, first the one a request would meet first. */
export function reasonsToRefuse({ ledger, executors, draining }: HealthParts): string[] {
  const { halted, refusing } = ledger.health();
  return [
    ...(halted ? ["halted"] : []),
    ...(draining() ? ["draining"] : []),
    ...(executors.healthy() ? [] : ["executor_unavailable"]),
    ...(refusing === null ? [] : [refusing]),
  ];
}
