/**
 * A daemon's account of itself: `GET /`, `/health`, `/ready`, `/actions`. Members of an action that
 * this SDK does not know are kept.
 */

import { isJsonObject } from "../core/json/json.ts";
import { array, open, string } from "../core/shape.ts";
import type { Json, JsonObject } from "../core/types.ts";

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
  /** The body of /health as it is: status, exec_mode, and its restrictions. */
  readonly health: JsonObject;
  /** Whether it takes work. */
  readonly ready: boolean;
}

/** An action as `GET /actions` shows it: `name`, and what else the daemon says of it. */
export interface ActionDescription extends JsonObject {
  readonly name: string;
}

const isDescription = open({
  service: string,
  status: string,
  version: string,
  executor_id: string,
});

/** Returns undefined when it is no description. */
export function descriptionOf(value: Json): Description | undefined {
  if (!isJsonObject(value)) return undefined;
  const { tenant } = value;
  if (!isDescription(value)) return undefined;
  const { service, status, version, executor_id } = value;
  return {
    service,
    status,
    version,
    executor_id,
    tenant: typeof tenant === "string" ? tenant : null,
  };
}

/** Returns undefined when one of the three is not what its route answers. */
export function statusOf(description: Json, health: Json, ready: Json): Status | undefined {
  const known = descriptionOf(description);
  if (known === undefined || !isJsonObject(health) || !isJsonObject(ready)) return undefined;
  return { ...known, health, ready: ready["ready"] === true };
}

const hasName = open({ name: string });
const isActions = array((value: unknown): value is ActionDescription => hasName(value));

/** Returns undefined when it is no list of actions. */
export function actionsOf(value: Json): readonly ActionDescription[] | undefined {
  const listed = isJsonObject(value) ? value["actions"] : value;
  return isActions(listed) ? listed : undefined;
}
