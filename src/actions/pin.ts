/**
 * A handler's file, read once: the bytes whose digest is compared are the bytes that are loaded.
 *
 * Invariant: nothing reads the file a second time. A digest pins the file as it was at the start.
 */

import { utf8Decode } from "../core/bytes.ts";
import { requireRegularFile } from "../os/regular_file.ts";
import { digestOf } from "../core/sha.ts";
import { StartupError } from "../core/startup_error.ts";
import type { Digest } from "../core/types.ts";

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
