/**
 * What is known of handlers before they run: their schemas as JSON Schema, read in workers without any permission.
 *
 * Whatever stands at the top of a handler's file runs here, at every start, and can reach nothing.
 */

import type { HandlerCode } from "../actions/pin.ts";
import { StartupError } from "../core/startup_error.ts";
import type { JsonObject } from "../core/types.ts";
import { program } from "../os/program.ts";
import type { Description, ExecutorProcess } from "./executor_process.ts";

/** JSON Schemas (draft 2020-12). */
export interface HandlerSchemas {
  readonly input: JsonObject;
  readonly output: JsonObject;
}

/** How much a group may take to load. */
const GROWTH_BYTES = 256 * 1024 * 1024;
/** For each group. */
const TIME_LIMIT_MS = 30_000;

/** Handlers that are read in one worker, by name. */
export type Group = ReadonlyMap<string, HandlerCode>;

/**
 * Those that are the same code once, and each in a worker of its own, except our own built-ins, which share one as they do
 * when they run.
 */
export function groupsOf(handlers: ReadonlyMap<string, HandlerCode>): readonly Group[] {
  const once = [
    ...new Map([...handlers].map((handler) => [identityOf(handler[1]), handler])).values(),
  ];
  const ours = new Set(program.builtins.values());
  const builtins = once.filter(([, { file }]) => ours.has(file));
  const modules = once.filter(([, { file }]) => !ours.has(file));
  return [
    ...(builtins.length > 0 ? [new Map(builtins)] : []),
    ...modules.map((module) => new Map([module])),
  ];
}

/**
 * Schemas by the handlers' names. `groups` are theirs, read one after another. Throws a StartupError that says which handler
 * cannot be used, and why.
 */
export async function describeHandlers(
  process: ExecutorProcess,
  handlers: ReadonlyMap<string, HandlerCode>,
  groups: readonly Group[],
  converter: HandlerCode,
): Promise<ReadonlyMap<string, HandlerSchemas>> {
  const known = new Map<string, HandlerSchemas>();
  for (const group of groups) {
    const descriptions = await describe(process, [...group.keys()], converter);
    for (const [index, [name, code]] of [...group].entries()) {
      known.set(identityOf(code), schemasOf(name, code, descriptions[index] ?? null));
    }
  }
  const schemas = new Map<string, HandlerSchemas>();
  for (const [name, code] of handlers) {
    const found = known.get(identityOf(code));
    if (found !== undefined) schemas.set(name, found);
  }
  return schemas;
}

/** The same for the same code. */
function identityOf({ language, digest }: HandlerCode): string {
  return `${language} ${digest}`;
}

/** Nothing of what its process ended before. */
async function describe(
  process: ExecutorProcess,
  handlers: string[],
  { text, language }: HandlerCode,
): Promise<readonly (Description | null)[]> {
  const timer = setTimeout(() => process.kill(), TIME_LIMIT_MS);
  try {
    if (!await process.ready() || !process.limitGrowth(GROWTH_BYTES)) return [];
    return await process.describe({ handlers, converter: { text, language } });
  } finally {
    clearTimeout(timer);
  }
}

function schemasOf(
  name: string,
  code: HandlerCode,
  description: Description | null,
): HandlerSchemas {
  const what = `The handler of ${name} cannot be used`;
  if (description === null) {
    throw new StartupError(what, `${code.file} ends its process, or does not end loading`);
  }
  if (description.kind === "undescribed") {
    throw new StartupError(what, `${code.file}: ${description.reason}`);
  }
  return { input: schemaOf(description.input), output: schemaOf(description.output) };
}

/** Throws a StartupError, or a SyntaxError. */
function schemaOf(text: string): JsonObject {
  const schema: unknown = JSON.parse(text);
  if (isJsonObject(schema)) return schema;
  throw new StartupError("A handler's schema cannot be used", "Its JSON Schema is not an object");
}

/** What JSON.parse gives is JSON; what is left to see is its kind. */
function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
