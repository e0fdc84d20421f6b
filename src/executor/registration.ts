/** An action as it is registered: what its handler says, and what the configuration says of it. */

import type { ActionConfig } from "../config/config.ts";
import { presentedBy } from "../core/presentation.ts";
import { StartupError } from "../core/startup_error.ts";
import type { Digest, JsonObject } from "../core/types.ts";
import { type HandlerDescription, isJsonObject } from "./start_check.ts";
import type { RegisteredAction } from "./types.ts";

/**
 * The configuration's words go before the handler's. Throws a StartupError where it describes a
 * member that the input schema does not have.
 */
export function registered(
  { name, presentation, fields }: ActionConfig,
  digest: Digest,
  handler: HandlerDescription,
): RegisteredAction {
  return Object.freeze({
    name,
    digest,
    inputSchema: withTexts(handler.input, fields, name),
    outputSchema: handler.output,
    presentation: presentedBy(presentation, handler.presentation),
  });
}

function withTexts(
  schema: JsonObject,
  fields: ReadonlyMap<string, string>,
  action: string,
): JsonObject {
  if (fields.size === 0) return schema;
  const properties = new Map(Object.entries(objectOf(schema["properties"])));
  for (const [name, description] of fields) {
    const property = properties.get(name);
    if (property === undefined) {
      throw new StartupError(
        `[actions.${action}] fields describes ${JSON.stringify(name)}, which is no input of it`,
        `Its inputs are ${[...properties.keys()].join(", ") || "not named by its schema"}`,
      );
    }
    properties.set(name, { ...objectOf(property), description });
  }
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** A schema may also be a boolean, which has no members. */
function objectOf(schema: unknown): JsonObject {
  return isJsonObject(schema) ? schema : {};
}
