/** What a daemon says about itself: `GET /`, `/health`, `/ready`, `/actions`. Members this SDK does not know are kept. */

import type { Json, JsonObject } from "../core/types.ts";
import { isJsonObject } from "./json.ts";

export interface Description {
  readonly service: string;
  readonly status: string;
  readonly version: string;
  /** The audience that approvals for this daemon name. */
  readonly executor_id: string;
  /** Every approval must carry it; null: none may carry one. */
  readonly tenant: string | null;
}

export interface Status extends Description {
  /** The body of /health as it is: status, exec_mode, and what restricts it. */
  readonly health: JsonObject;
  /** Whether it takes work. */
  readonly ready: boolean;
}

/** An action as `GET /actions` shows it: `name`, and whatever else the daemon says of it. */
export interface ActionDescription extends JsonObject {
  readonly name: string;
}

/** undefined when it is not a description. */
export function descriptionOf(value: Json): Description | undefined {
  if (!isJsonObject(value)) return undefined;
  const { service, status, version, executor_id, tenant } = value;
  if (typeof service !== "string" || typeof status !== "string" || typeof version !== "string") {
    return undefined;
  }
  if (typeof executor_id !== "string") return undefined;
  return {
    service,
    status,
    version,
    executor_id,
    tenant: typeof tenant === "string" ? tenant : null,
  };
}

/** undefined when one of the three is not what its route answers. */
export function statusOf(description: Json, health: Json, ready: Json): Status | undefined {
  const known = descriptionOf(description);
  if (known === undefined || !isJsonObject(health) || !isJsonObject(ready)) return undefined;
  return { ...known, health, ready: ready["ready"] === true };
}

/** undefined when it is not a list of actions. */
export function actionsOf(value: Json): readonly ActionDescription[] | undefined {
  const listed = isJsonObject(value) ? value["actions"] : value;
  if (!Array.isArray(listed)) return undefined;
  const actions: ActionDescription[] = [];
  for (const one of listed) {
    if (!isJsonObject(one) || typeof one["name"] !== "string") return undefined;
    actions.push({ ...one, name: one["name"] });
  }
  return actions;
}
