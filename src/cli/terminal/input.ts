/** What a command reads: a file, standard input, or the argument itself. */

import { resolve } from "node:path";
import { utf8Decode } from "../../core/bytes.ts";
import type { Cli } from "../command.ts";
import { UsageError } from "../exit_code.ts";

/** Reads a file, or standard input for `-` or where none is named. Throws UsageError. */
export async function readInput(cli: Cli, file: string | undefined): Promise<Uint8Array> {
  if (file !== undefined && file !== "-") return readFile(cli, file);
  if (cli.terminal.inputIsTerminal) {
    cli.terminal.note("reading from the terminal; end with Ctrl-D, or name a file");
  }
  return await cli.terminal.readInput();
}

/** Reads `@FILE`, `-` for standard input, or the text itself. Throws UsageError. */
export async function readArgument(cli: Cli, argument: string): Promise<Uint8Array | string> {
  if (argument === "-") return await readInput(cli, argument);
  return argument.startsWith("@") ? readFile(cli, argument.slice(1)) : argument;
}

function readFile(cli: Cli, file: string): Uint8Array {
  try {
    return Deno.readFileSync(resolve(cli.cwd, file));
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Reads a file of UTF-8 text. Throws UsageError. */
export function readText(cli: Cli, file: string): string {
  return utf8Text(readFile(cli, file), file);
}

/** Throws UsageError for bytes that are not UTF-8. */
export function utf8Text(input: Uint8Array | string, name: string): string {
  const text = typeof input === "string" ? input : utf8Decode(input);
  if (text === undefined) throw new UsageError(`${name} is not UTF-8 text`);
  return text;
}

/** Yields a file, or standard input for `-`, as it comes. Throws UsageError. */
export async function* readChunks(cli: Cli, file: string): AsyncGenerator<Uint8Array> {
  if (file === "-") {
    yield await readInput(cli, file);
    return;
  }
  let opened;
  try {
    opened = await Deno.open(resolve(cli.cwd, file));
  } catch (error) {
    throw unreadable(file, error);
  }
  yield* opened.readable;
}

function unreadable(file: string, error: unknown): UsageError {
  return new UsageError(`${file} cannot be read: ${error instanceof Error ? error.name : "error"}`);
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}
