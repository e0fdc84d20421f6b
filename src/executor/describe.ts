/**
 * What is known of handlers before they run: their schemas as JSON Schema, read in workers without any permission.
 *
 * Whatever stands at the top of a handler's file runs here, at every start of the daemon, and can reach nothing.
 */

import type { HandlerCode } from "../actions/pin.ts";
import { StartupError } from "../core/startup_error.ts";
import type { JsonObject } from "../core/types.ts";
import type { Description, ExecutorProcess } from "./executor_process.ts";

/** JSON Schemas (draft 2020-12). */
export interface HandlerSchemas {
  readonly input: JsonObject;
  readonly output: JsonObject;
}

/** How much one may take to load. */
const GROWTH_BYTES = 256 * 1024 * 1024;
/** For each. */
const TIME_LIMIT_MS = 30_000;

/**
 * Handlers by name, one after another in a process that starts a worker for each; those that are the same code are loaded once.
 * Throws a StartupError that says which one cannot be used, and why.
 */
export async function describeHandlers(
  process: ExecutorProcess,
  handlers: ReadonlyMap<string, HandlerCode>,
  converter: HandlerCode,
): Promise<ReadonlyMap<string, HandlerSchemas>> {
  const known = new Map<string, HandlerSchemas>();
  const schemas = new Map<string, HandlerSchemas>();
  for (const [name, code] of handlers) {
    const identity = `${code.language} ${code.digest}`;
    const found = known.get(identity) ?? schemasOf(name, code, await describe(process, name, converter));
    known.set(identity, found);
    schemas.set(name, found);
  }
  return schemas;
}

/** null when its process ended first. */
async function describe(
  process: ExecutorProcess,
  handler: string,
  { text, language }: HandlerCode,
): Promise<Description | null> {
  const timer = setTimeout(() => process.kill(), TIME_LIMIT_MS);
  try {
    if (!await process.ready() || !process.limitGrowth(GROWTH_BYTES)) return null;
    return await process.describe({ handler, converter: { text, language } });
  } finally {
    clearTimeout(timer);
  }
}

function schemasOf(name: string, code: HandlerCode, description: Description | null): HandlerSchemas {
  const what = `The handler of ${name} cannot be used`;
  if (description === null) {
    throw new StartupError(what, `${code.file} ends its process, or does not end loading`);
  }
  if (description.kind === "undescribed") throw new StartupError(what, `${code.file}: ${description.reason}`);
  return { input: schemaOf(description.input), output: schemaOf(description.output) };
}

function schemaOf(text: string): JsonObject {
  const schema: unknown = JSON.parse(text);
  if (isJsonObject(schema)) return schema;
  throw new StartupError("A handler's schema cannot be used", "Its JSON Schema is not an object");
}

/** What JSON.parse gives is JSON; what is left to see is its kind. */
function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
