/**
 * Why a payload does not fit an action's JSON Schema, as far as its common keywords tell.
 *
 * This only warns: the handler's own schema decides, in the daemon. A keyword that is not known
 * here is passed over, and so are patterns. They can take minutes, and only the daemon ends them.
 */

import { canonicalJson } from "../../core/json/canonical_json.ts";
import { isArray, isJsonObject } from "../../core/json/json.ts";
import type { Json, JsonObject } from "../../core/types.ts";

/** Returns what is wrong first, with its place as a JSON pointer; null where nothing is. */
export function misfitOf(schema: Json, value: Json, at = ""): string | null {
  if (schema === false) return `${at || "it"} is not expected`;
  if (!isJsonObject(schema)) return null;
  const wrong = typeMisfit(schema, value) ?? valueMisfit(schema, value) ??
    sizeMisfit(schema, value);
  if (wrong !== null) return `${at || "it"} ${wrong}`;
  const { anyOf, allOf } = schema;
  if (isArray(anyOf) && !anyOf.some((one) => misfitOf(one, value, at) === null)) {
    return `${at || "it"} fits none of what is expected`;
  }
  return firstOf(isArray(allOf) ? allOf : [], (one) => misfitOf(one, value, at)) ??
    membersMisfit(schema, value, at);
}

function typeMisfit({ type }: JsonObject, value: Json): string | null {
  const types = isArray(type) ? type : type === undefined ? [] : [type];
  const own = typeOf(value);
  const fits = types.length === 0 || types.includes(own) ||
    (types.includes("integer") && Number.isInteger(value));
  return fits ? null : `has to be of type ${types.join(" or ")}`;
}

function typeOf(value: Json): string {
  if (value === null) return "null";
  return isArray(value) ? "array" : typeof value;
}

function valueMisfit(schema: JsonObject, value: Json): string | null {
  const { const: only, enum: choices } = schema;
  const text = canonicalJson(value);
  if (only !== undefined && text !== canonicalJson(only)) return `has to be ${canonicalJson(only)}`;
  if (isArray(choices) && !choices.some((choice) => canonicalJson(choice) === text)) {
    return `has to be one of ${choices.map((choice) => canonicalJson(choice)).join(", ")}`;
  }
  return null;
}

/** Keywords that bound a number, and what of a value they bound. */
const BOUNDS: readonly (readonly [
  keyword: string,
  measure: (value: Json) => number | null,
  holds: (size: number, bound: number) => boolean,
  text: string,
])[] = [
  ["minimum", numberOf, (size, bound) => size >= bound, "has to be at least"],
  ["maximum", numberOf, (size, bound) => size <= bound, "has to be at most"],
  ["exclusiveMinimum", numberOf, (size, bound) => size > bound, "has to be above"],
  ["exclusiveMaximum", numberOf, (size, bound) => size < bound, "has to be below"],
  ["minLength", lengthOf, (size, bound) => size >= bound, "needs a length of at least"],
  ["maxLength", lengthOf, (size, bound) => size <= bound, "has to have a length of at most"],
  ["minItems", countOf, (size, bound) => size >= bound, "needs a number of items of at least"],
  ["maxItems", countOf, (size, bound) => size <= bound, "has to have at most as many items as"],
];

function sizeMisfit(schema: JsonObject, value: Json): string | null {
  return firstOf(BOUNDS, ([keyword, measure, holds, text]) => {
    const [bound, size] = [schema[keyword], measure(value)];
    if (typeof bound !== "number" || size === null || holds(size, bound)) return null;
    return `${text} ${bound}`;
  });
}

function numberOf(value: Json): number | null {
  return typeof value === "number" ? value : null;
}

/** JSON Schema counts code points. */
function lengthOf(value: Json): number | null {
  return typeof value === "string" ? [...value].length : null;
}

function countOf(value: Json): number | null {
  return isArray(value) ? value.length : null;
}

function membersMisfit(schema: JsonObject, value: Json, at: string): string | null {
  const { properties, required, additionalProperties, items } = schema;
  if (isArray(value)) {
    return items === undefined
      ? null
      : firstOf([...value.entries()], ([place, item]) => misfitOf(items, item, `${at}/${place}`));
  }
  if (!isJsonObject(value)) return null;
  const missing = isArray(required) ? required.find((name) => !hasMember(value, name)) : undefined;
  if (missing !== undefined) return `${at}/${String(missing)} is missing`;
  const known = isJsonObject(properties) ? properties : {};
  return firstOf(Object.entries(value), ([name, member]) => {
    const rule = Object.hasOwn(known, name) ? known[name] : additionalProperties;
    return rule === undefined ? null : misfitOf(rule, member, `${at}/${name}`);
  });
}

function hasMember(value: JsonObject, name: Json): boolean {
  return typeof name === "string" && Object.hasOwn(value, name);
}

function firstOf<T>(list: readonly T[], find: (item: T) => string | null): string | null {
  for (const item of list) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
}
