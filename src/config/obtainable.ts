/** Whether the approvers of a configuration could approve an action together. */

import { emptySeats } from "../core/approvers_needed.ts";
import { couldMeet } from "../core/keys/verifying_key.ts";
import type { ActionConfig, ApproverPublicKey, Config } from "./config.ts";

/**
 * Returns how many seats of the action nobody could take, with keys that count and are strong
 * enough. An artifact of OpenExec 0.1.10 goes with no signature of another: [clawshield] is alone.
 */
export function unfillableSeats(
  { approvers, clawshield }: Pick<Config, "approvers" | "clawshield">,
  action: Pick<ActionConfig, "name" | "approvals" | "groups" | "require">,
  counts: (key: ApproverPublicKey) => boolean = () => true,
): number {
  const isFor = ({ actions }: { readonly actions: ReadonlySet<string> }) =>
    actions.has("*") || actions.has(action.name);
  const able = approvers.filter((approver) =>
    isFor(approver) && approver.keys.some((key) => counts(key) && couldMeet(key, action.require))
  );
  const isLegacy = clawshield !== null && isFor(clawshield) && action.require === "any";
  const alone = isLegacy ? [{ groups: new Set<string>() }] : [];
  return Math.min(emptySeats(action, able), emptySeats(action, alone));
}
