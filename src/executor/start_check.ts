/**
 * Finds out what a start has to know before anything runs: that the box is shut, and what handlers
 * take and give. An action is registered with both: what its handler says, and what the
 * configuration says of it.
 *
 * Invariant: no process hears of a handler before the box was tried, in a process like any other:
 * the kernel's by the C library, before that is given up, and the runtime's as a handler would.
 */

import { type HandlerCode, readHandler } from "../actions/pin.ts";
import { type Kernel, missingParts } from "../box/kernel.ts";
import type { ActionConfig } from "../config/config.ts";
import { type Presentation, presentedBy } from "../core/presentation.ts";
import { isJsonObject } from "../core/json/json.ts";
import { StartupError } from "../core/startup_error.ts";
import type { Digest, JsonObject } from "../core/types.ts";
import { program } from "../os/program.ts";
import type { Description, ExecutorProcess } from "./executor_process.ts";
import { type Launcher, VARIABLE } from "./launch.ts";
import { NO_PERMISSIONS } from "./permissions.ts";
import { scriptOf } from "./program.ts";
import type { RegisteredAction } from "./types.ts";

/** No action's name. */
const PROBE = "(probe)";
const MEMORY_BYTES = 256 * 1024 * 1024;
const TIME_LIMIT_MS = 30_000;

/**
 * Tries every door of a box without permissions. `canary` is a file of the caller's that it may not
 * reach. Throws a StartupError when one is open that ought to be shut, or when it cannot be tried.
 * Returns what the kernel left open, which is nothing where it has every part of a box.
 */
export async function tryBox(
  launcher: Pick<Launcher, "start">,
  kernel: Kernel,
  canary: string,
): Promise<readonly string[]> {
  const probe = await readHandler(program.probe);
  const process = launcher.start({
    handlers: new Map([[PROBE, probe]]),
    permissions: NO_PERMISSIONS,
    memoryBytes: MEMORY_BYTES,
    canary,
  });
  const { byRuntime, byKernel } = await openDoors(process, canary);
  const isWhole = missingParts(kernel).length === 0;
  if (byRuntime.length > 0) {
    throw leak("runtime", byRuntime, "Install the runtime that openexec was released with");
  }
  if (byKernel.length > 0 && isWhole) {
    throw leak("kernel", byKernel, "Report this: the kernel says that it has every part of a box");
  }
  return byKernel;
}

function leak(who: string, doors: readonly string[], remedy: string): StartupError {
  return new StartupError(
    `The ${who} lets handlers do what they were not permitted: ${doors.join(", ")}`,
    remedy,
  );
}

async function openDoors(
  process: ExecutorProcess,
  canary: string,
): Promise<{ byRuntime: readonly string[]; byKernel: readonly string[] }> {
  const timer = setTimeout(() => process.kill(), TIME_LIMIT_MS);
  const payload = { file: canary, variable: VARIABLE };
  try {
    const report = await process.ready()
      ? await process.run({
        id: PROBE,
        handler: PROBE,
        request: JSON.stringify({ action: PROBE, payload }),
        idempotencyKey: PROBE,
        traceparent: null,
        secrets: [],
        abortAfterMs: TIME_LIMIT_MS,
      }, () => {})
      : null;
    const byKernel = process.openDoors;
    if (report?.kind === "succeeded" && byKernel !== null) {
      return { byRuntime: textsIn(report.result), byKernel };
    }
    throw new StartupError(
      "No executor can be started, or none that could be tried",
      `Its last words: ${process.lastWords || "none"}`,
    );
  } finally {
    clearTimeout(timer);
    process.retire();
    await process.exited;
  }
}

function textsIn(json: string): string[] {
  const value: unknown = JSON.parse(json);
  return Array.isArray(value) ? value.map(String) : [];
}

/** JSON Schemas (draft 2020-12), and how the handler presents itself. */
export interface HandlerDescription {
  readonly input: JsonObject;
  readonly output: JsonObject;
  readonly presentation: Presentation;
}

/**
 * Reads what one handler says of itself in `process`, which has no permissions: whatever stands at
 * the top of its file runs there. Throws a StartupError that says why the handler cannot be used.
 */
export async function describeHandler(
  process: ExecutorProcess,
  name: string,
  code: HandlerCode,
): Promise<HandlerDescription> {
  const converter = scriptOf(await readHandler(program.schemaConverter));
  const timer = setTimeout(() => process.kill(), TIME_LIMIT_MS);
  try {
    const isReady = await process.ready();
    return descriptionIn(
      isReady ? await process.describe({ handler: name, converter }) : null,
      name,
      code,
    );
  } finally {
    clearTimeout(timer);
  }
}

function descriptionIn(
  description: Description | null,
  name: string,
  { file }: HandlerCode,
): HandlerDescription {
  const what = `The handler of ${name} cannot be used`;
  if (description === null) {
    throw new StartupError(what, `${file} ends its process, or does not end loading`);
  }
  if (description.kind === "undescribed") {
    throw new StartupError(what, `${file}: ${description.reason}`);
  }
  const { input, output, presentation } = description;
  return { input: schemaOf(input), output: schemaOf(output), presentation };
}

/** Throws a StartupError, or a SyntaxError. */
function schemaOf(text: string): JsonObject {
  const schema: unknown = JSON.parse(text);
  if (isJsonObject(schema)) return schema;
  throw new StartupError("A handler's schema cannot be used", "Its JSON Schema is not an object");
}

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
