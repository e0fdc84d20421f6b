/**
 * Words the reasons that are told of a run: what a schema expects, and where; and which permission
 * of the configuration is missing.
 *
 * Invariant: nothing of the value that a schema checked is told, since it may go to a log. A member
 * is called by its name where the schema has that name, and `*` where only the value has it.
 */

import type { GenericSchema } from "valibot";
import { ISSUE_LENGTH_MAX } from "../protocol.ts";

interface Issue {
  readonly kind: string;
  readonly type: string;
  readonly expected: string | null;
  readonly path?: readonly { readonly key: unknown }[] | undefined;
}

/** Tells of the first issue, such as `number at "order.cents"`, in at most 300 characters. */
export function expectationOf(schema: GenericSchema, [first]: readonly Issue[]): string {
  if (first === undefined) return "something else";
  return sentence(schema, first).slice(0, ISSUE_LENGTH_MAX).toWellFormed();
}

function sentence(schema: GenericSchema, { kind, type, expected, path = [] }: Issue): string {
  const names: string[] = [];
  let entries: object | undefined;
  let at: object | undefined = schema;
  for (const { key } of path) {
    const inner = unwrapped(at);
    entries = memberOf(inner, "entries");
    const name = String(key);
    const isKnown = typeof key === "number" ||
      (entries !== undefined && Object.hasOwn(entries, name));
    names.push(isKnown ? name : "*");
    at = typeof key === "number" ? memberOf(inner, "item") : memberOf(entries, name);
  }
  const last = path.at(-1)?.key;
  // valibot expects the quoted name where a member is missing, and nothing where it is unknown
  if (type.includes("object") && expected === `"${last}"`) {
    return `${placeOf([...names.slice(0, -1), String(last)])}, which is missing`;
  }
  if (expected === "never" && entries !== undefined) {
    const known = Object.keys(entries).map((name) => JSON.stringify(name)).join(", ");
    return `no members but ${known || "none"} at ${placeOf(names.slice(0, -1))}`;
  }
  const rule = `${type.replaceAll("_", " ")} ${expected ?? ""}`.trimEnd();
  return `${kind === "schema" ? expected ?? rule : rule} at ${placeOf(names)}`;
}

function placeOf(names: readonly string[]): string {
  return names.length === 0 ? "the top" : JSON.stringify(names.join("."));
}

/** Looks through `optional`, `nullable` and their kind. */
function unwrapped(schema: object | undefined): object | undefined {
  const inner = memberOf(schema, "wrapped");
  return inner === undefined ? schema : unwrapped(inner);
}

function memberOf(object: object | undefined, name: string): object | undefined {
  if (object === undefined || !Object.hasOwn(object, name)) return undefined;
  const member: unknown = Reflect.get(object, name);
  return typeof member === "object" && member !== null ? member : undefined;
}

const PERMISSIONS: ReadonlySet<string> = new Set(["net", "read", "write", "env", "run"]);

/**
 * Rewords what the runtime says where a permission is missing: it names flags of its own, and an
 * operator gives permissions in the configuration. `text` may be an error with its stack.
 */
export function reworded(text: string): string {
  return text.replace(
    /(Requires (\w+) access)(?:( to .*?)?), run again with the --allow-\w+ flag/g,
    (_, requires: string, kind: string, what = "") =>
      `${requires}${what}, and ${reasonOf(kind, what)}`,
  );
}

function reasonOf(kind: string, what: string): string {
  if (!PERMISSIONS.has(kind)) return "no action may have that";
  if (kind === "env" && what === "") {
    return "no action gets all of it, as node's child_process needs; Deno's Command does without";
  }
  return `allow.${kind} of the action does not name it`;
}
