/** Reads the input of commands: a file, standard input, or the argument itself. */

import { resolve } from "node:path";
import { concatBytes, utf8Decode } from "../../core/bytes.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";

/** The longest input that is held in memory: a receipt with a result of 32 MiB fits. */
const INPUT_BYTES_MAX = 2 ** 26;
const CHUNK_BYTES = 2 ** 16;

/** Reads a file, or standard input for `-` or where none is named. Throws UsageError. */
export async function readInput(context: Context, file: string | undefined): Promise<Uint8Array> {
  if (file !== undefined && file !== "-") return readFile(context, file);
  if (context.terminal.inputIsTerminal) {
    context.terminal.note("reading from the terminal; end with Ctrl-D, or name a file");
  }
  const input = await context.terminal.readInput(INPUT_BYTES_MAX);
  if (input === null) throw tooLong("standard input");
  return input;
}

/** Reads `@FILE`, `-` for standard input, or the text itself. Throws UsageError. */
export async function readArgument(
  context: Context,
  argument: string,
): Promise<Uint8Array | string> {
  if (argument === "-") return await readInput(context, argument);
  return argument.startsWith("@") ? readFile(context, argument.slice(1)) : argument;
}

function readFile(context: Context, file: string): Uint8Array {
  const path = resolve(context.cwd, file);
  try {
    using opened = Deno.openSync(path);
    return readBounded(opened, file);
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(file, error);
  }
}

/** Reads what comes, also from a pipe: a shell may put one there. Throws UsageError. */
function readBounded(opened: Deno.FsFile, name: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const read = opened.readSync(chunk);
    if (read === null) return concatBytes(...chunks);
    length += read;
    if (length > INPUT_BYTES_MAX) throw tooLong(name);
    chunks.push(chunk.slice(0, read));
  }
}

function tooLong(name: string): UsageError {
  return new UsageError(`${name} is longer than 64 MiB, and nothing that is read whole is`);
}

/** Reads a file of UTF-8 text. Throws UsageError. */
export function readText(context: Context, file: string): string {
  return utf8Text(readFile(context, file), file);
}

/** Throws UsageError for bytes that are not UTF-8. */
export function utf8Text(input: Uint8Array | string, name: string): string {
  const text = typeof input === "string" ? input : utf8Decode(input);
  if (text === undefined) throw new UsageError(`${name} is not UTF-8 text`);
  return text;
}

/** Yields a file, or standard input for `-`, as it comes. Throws UsageError. */
export async function* readChunks(context: Context, file: string): AsyncGenerator<Uint8Array> {
  if (file === "-") {
    yield await readInput(context, file);
    return;
  }
  const path = resolve(context.cwd, file);
  let opened;
  try {
    opened = await Deno.open(path);
  } catch (error) {
    throw unreadable(file, error);
  }
  yield* opened.readable;
}

/** Returns the absolute path of a file that is there. Throws UsageError. */
export function existingFile(context: Context, file: string): string {
  const path = resolve(context.cwd, file);
  try {
    if (Deno.statSync(path).isFile) return path;
  } catch (error) {
    throw unreadable(file, error);
  }
  throw new UsageError(`${file} is no file`);
}

/** The reason where a file cannot be read. */
export function unreadable(file: string, error: unknown): UsageError {
  return new UsageError(`${file} cannot be read: ${error instanceof Error ? error.name : "error"}`);
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}
