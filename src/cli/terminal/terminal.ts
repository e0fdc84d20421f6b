/**
 * The one owner of the console: standard input, output and error, and the terminal a person answers
 * at.
 *
 * Invariant: nothing that moves a cursor, recolours or hides reaches a terminal, whoever wrote the
 * text. Standard output on a pipe is left as it is, for the next program.
 */

import { concatBytes, utf8Encode, writeAllSync } from "../../core/bytes.ts";
import { dropTypedAhead } from "../../os/terminal.ts";
import { openScreen, openTerminal, type Screen, type Size, sizeOfTerminal } from "./screen.ts";
import { visible } from "../../core/visible.ts";

export interface Terminal {
  /** Writes to standard output, with a line feed. Escaped on a terminal. */
  print(text: string): void;
  /** Writes to standard error, with a line feed. Always escaped: logs are read on terminals too. */
  note(text: string): void;
  /** Writes to standard output, byte for byte. */
  write(bytes: Uint8Array): void;
  /** Clears the screen where standard output is a terminal. */
  clear(): void;
  /** Shows one line that the next one overwrites; null takes it away. For terminals only. */
  progress(text: string | null): void;
  /** Reads all of standard input. Resolves to null where that is more than `bytesMax`. */
  readInput(bytesMax: number): Promise<Uint8Array | null>;
  /**
   * Asks on the terminal and reads one line from it, also where standard input is something else.
   * It drops what was typed before the question stands. Returns null where nobody can see the
   * question or answer it.
   */
  ask(question: string): string | null;
  /** The size of the terminal that standard error is; null where it is none. */
  size(): Size | null;
  /** Takes the whole terminal; null where there is none. `plain` leaves out bold type. */
  openScreen(plain: boolean): Screen | null;
  readonly inputIsTerminal: boolean;
  readonly outputIsTerminal: boolean;
  readonly errorIsTerminal: boolean;
}

const CLEAR_SCREEN = "\x1b[H\x1b[2J";
const CLEAR_LINE = "\r\x1b[K";

export function systemTerminal(): Terminal {
  const outputIsTerminal = Deno.stdout.isTerminal();
  const errorIsTerminal = Deno.stderr.isTerminal();
  return {
    print: (text) =>
      write(Deno.stdout, utf8Encode(`${outputIsTerminal ? visibleLines(text) : text}\n`)),
    note: (text) => write(Deno.stderr, utf8Encode(`${visibleLines(text)}\n`)),
    write: (bytes) => write(Deno.stdout, bytes),
    clear: () => outputIsTerminal && write(Deno.stdout, utf8Encode(CLEAR_SCREEN)),
    progress: (text) =>
      errorIsTerminal && write(Deno.stderr, utf8Encode(CLEAR_LINE + visible(text ?? ""))),
    readInput,
    ask: (question) => errorIsTerminal ? askOnTerminal(question) : null,
    size: () => errorIsTerminal ? sizeOfTerminal() : null,
    openScreen: (plain) => errorIsTerminal ? openScreen(Deno.stderr, plain) : null,
    inputIsTerminal: Deno.stdin.isTerminal(),
    outputIsTerminal,
    errorIsTerminal,
  };
}

async function readInput(bytesMax: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of Deno.stdin.readable) {
    length += chunk.length;
    if (length > bytesMax) return null;
    chunks.push(chunk);
  }
  return concatBytes(...chunks);
}

/** Escapes all but the line feeds between lines. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

/** The reader of a pipe may go away at any time, as in `openexec list | head`. That is no error. */
function write(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  try {
    writeAllSync(stream, bytes);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

const ANSWER_BYTES_MAX = 1024;
const LINE_FEED = 0x0a;

function askOnTerminal(question: string): string | null {
  using answers = openTerminal();
  if (answers === null) return null;
  dropTypedAhead();
  write(Deno.stderr, utf8Encode(visible(question)));
  const answer = new Uint8Array(ANSWER_BYTES_MAX);
  let length = 0;
  while (length < answer.length) {
    const read = answers.readSync(answer.subarray(length));
    if (read === null) return null;
    length += read;
    if (answer[length - 1] === LINE_FEED) break;
  }
  return new TextDecoder().decode(answer.subarray(0, length)).trim();
}
