/**
 * The one owner of the console: standard input, output and error, and the terminal a person answers at.
 *
 * Invariant: nothing that moves a cursor, recolours or hides reaches a terminal, whoever wrote the text. On a pipe, standard
 * output is as it is, for the next program.
 */

import { visible } from "./visible.ts";

export interface Terminal {
  /** Standard output, with a line feed. Escaped on a terminal. */
  print(text: string): void;
  /** Standard error, with a line feed. Always escaped: logs are read on terminals too. */
  note(text: string): void;
  /** Standard output, byte for byte. */
  write(bytes: Uint8Array): void;
  /** Clears the screen where standard output is a terminal. */
  clear(): void;
  /** All of standard input. */
  readInput(): Promise<Uint8Array>;
  /**
   * Asks on the terminal and reads one line from it, also where standard input is something else; null where there is
   * nobody to see the question or to answer it.
   */
  ask(question: string): string | null;
  readonly inputIsTerminal: boolean;
  readonly outputIsTerminal: boolean;
  readonly errorIsTerminal: boolean;
}

export function systemTerminal(): Terminal {
  const outputIsTerminal = Deno.stdout.isTerminal();
  const errorIsTerminal = Deno.stderr.isTerminal();
  return {
    print: (text) =>
      writeAll(Deno.stdout, encode(`${outputIsTerminal ? visibleLines(text) : text}\n`)),
    note: (text) => writeAll(Deno.stderr, encode(`${visibleLines(text)}\n`)),
    write: (bytes) => writeAll(Deno.stdout, bytes),
    clear: () => outputIsTerminal && writeAll(Deno.stdout, encode("\x1b[H\x1b[2J")),
    readInput: async () => new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer()),
    ask: (question) => errorIsTerminal ? askOnTerminal(question) : null,
    inputIsTerminal: Deno.stdin.isTerminal(),
    outputIsTerminal,
    errorIsTerminal,
  };
}

/** Escapes all but the line feeds between lines. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The reader of a pipe may go away at any time (`openexec list | head`): there is nobody left to tell. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  try {
    for (let written = 0; written < bytes.length;) {
      written += stream.writeSync(bytes.subarray(written));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

const ANSWER_BYTES_MAX = 1024;
const LINE_FEED = 0x0a;

function askOnTerminal(question: string): string | null {
  let terminal;
  try {
    terminal = Deno.openSync("/dev/tty", { read: true });
  } catch {
    return null; // this process has no terminal to read from, whatever standard error is
  }
  using answers = terminal;
  writeAll(Deno.stderr, encode(visible(question)));
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
