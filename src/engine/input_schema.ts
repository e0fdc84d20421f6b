/**
 * Checks a payload against the JSON Schema of its handler's `input`, before anything is reserved:
 * a payload that cannot fit costs neither nonce nor approval. The handler's side checks again.
 */

import { type Schema, Validator } from "@cfworker/json-schema";
import { Refusal } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { RegisteredAction } from "../executor/executor.ts";

export class InputSchemas {
  readonly #validators = new Map<string, Validator>();

  constructor(actions: ReadonlyMap<string, RegisteredAction>) {
    for (const [name, action] of actions) {
      this.#validators.set(name, new Validator(toSchema(action.inputSchema), "2020-12", true));
    }
  }

  /** Throws a Refusal: payload_invalid, naming the schema's place, never what the payload held. */
  check(action: string, payload: Json): void {
    const result = this.#validators.get(action)?.validate(payload);
    if (result === undefined) throw new Refusal("action_unknown");
    if (result.valid) return;
    const keyword = result.errors.at(-1)?.keywordLocation ?? "#";
    throw new Refusal(
      "payload_invalid",
      `The payload does not fit the action's input schema at ${keyword}.`,
    );
  }
}

/** The library's type names keywords; a JSON Schema is any JSON object. */
function toSchema(schema: JsonObject): Schema {
  return { ...schema };
}
