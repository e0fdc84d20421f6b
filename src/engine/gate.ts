/** Refusals that need no approval: a daemon that is closed, an action that is not for asking. */

import type { ActionConfig, SocketConfig } from "../config/config.ts";
import { Refusal } from "../core/errors.ts";
import type { RegisteredAction } from "../executor/types.ts";
import type { Runs } from "./runs.ts";
import type { EngineParts } from "./types.ts";

export interface FoundAction {
  readonly action: ActionConfig;
  readonly registered: RegisteredAction;
}

/** Throws a Refusal: halted, draining. */
export function refuseWhileClosed(
  { ledger }: Pick<EngineParts, "ledger">,
  { isDraining }: Pick<Runs, "isDraining">,
): void {
  if (ledger.health().halted) throw new Refusal("halted");
  if (isDraining) throw new Refusal("draining");
}

/** Throws a Refusal: action_not_allowed, action_unknown. */
export function findAction(
  name: string,
  socket: Pick<SocketConfig, "actions">,
  { config, executors }: Pick<EngineParts, "config" | "executors">,
): FoundAction {
  for (const allowed of [socket.actions, config.allowedActions]) {
    if (allowed !== null && !allowed.has(name)) throw new Refusal("action_not_allowed");
  }
  const action = config.actions.get(name);
  const registered = executors.actions.get(name);
  if (action === undefined || registered === undefined) throw new Refusal("action_unknown");
  return { action, registered };
}
