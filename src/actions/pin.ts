/**
 * The code of every configured action: each handler's file is read once, at the start, and compared
 * with its pin. The bytes whose digest is compared are the bytes that are loaded.
 *
 * Invariants: nothing reads a file a second time. In enforced mode no module's code is accepted
 * without the digest that the configuration pins.
 */

import type { ActionConfig } from "../config/config.ts";
import { utf8Decode } from "../core/bytes.ts";
import { digestOf } from "../core/sha.ts";
import { StartupError } from "../core/startup_error.ts";
import type { Digest, Mode } from "../core/types.ts";
import { program } from "../os/program.ts";
import { requireRegularFile } from "../os/regular_file.ts";

/** A handler's code, in memory. */
export interface HandlerCode {
  /** The path, for messages. */
  readonly file: string;
  /** The file's text: encoded as UTF-8, it is exactly the bytes that were digested. */
  readonly text: string;
  readonly language: "typescript" | "javascript";
  /** SHA-256 of the file's bytes. */
  readonly digest: Digest;
}

/** A handler is one file for people to read. Its text is sent to every new process. */
const HANDLER_BYTES_MAX = 8 * 1024 * 1024;

const LANGUAGES: readonly (readonly [RegExp, HandlerCode["language"]])[] = [
  [/\.m?ts$/, "typescript"],
  [/\.m?js$/, "javascript"],
];

/** Throws a StartupError for a file that cannot be read or cannot be a handler. */
export async function readHandler(file: string): Promise<HandlerCode> {
  const language = LANGUAGES.find(([ending]) => ending.test(file))?.[1];
  if (language === undefined) throw refuse(file, "Name it .ts, .mts, .js or .mjs");
  const bytes = await readFile(file);
  if (bytes.length > HANDLER_BYTES_MAX) {
    throw refuse(file, "It is larger than 8 MiB; leave data out of it");
  }
  const text = utf8Decode(bytes);
  if (text === undefined) throw refuse(file, "It is not UTF-8");
  return { file, text, language, digest: digestOf(bytes) };
}

async function readFile(file: string): Promise<Uint8Array> {
  try {
    requireRegularFile(file);
    return await Deno.readFile(file);
  } catch (error) {
    throw refuse(
      file,
      error instanceof Deno.errors.NotFound ? "There is no such file" : "It cannot be read",
    );
  }
}

function refuse(file: string, remedy: string): StartupError {
  return new StartupError(`${file} cannot be a handler`, remedy);
}

/** Throws a StartupError that names the action whose code is not the configured one. */
export async function readHandlers(
  actions: ReadonlyMap<string, ActionConfig>,
  mode: Mode,
): Promise<ReadonlyMap<string, HandlerCode>> {
  const handlers = new Map<string, HandlerCode>();
  for (const [name, action] of actions) handlers.set(name, await readPinned(action, mode));
  return handlers;
}

async function readPinned(action: ActionConfig, mode: Mode): Promise<HandlerCode> {
  const handler = await readHandler(fileOf(action));
  if (action.digest !== null && action.digest !== handler.digest) {
    throw new StartupError(
      `The code of action ${action.name} is not what the configuration pins`,
      `Look at ${handler.file}; if it is what should run, set digest = "${handler.digest}"`,
    );
  }
  if (action.digest === null && mode === "enforced" && "file" in action.module) {
    throw new StartupError(
      `The code of action ${action.name} is not pinned`,
      `Look at ${handler.file}, then set digest = "${handler.digest}"`,
    );
  }
  return handler;
}

function fileOf({ name, module }: ActionConfig): string {
  if ("file" in module) return module.file;
  const file = program.builtins.get(module.builtin);
  if (file !== undefined) return file;
  throw new StartupError(
    `Action ${name} names a built-in that does not exist`,
    `Take one of ${[...program.builtins.keys()].join(", ")}`,
  );
}
