/**
 * A screen that is drawn anew as a whole, and the keys that are pressed at it.
 *
 * Invariants:
 * - Nothing but text of visible() and our own few sequences reaches the terminal, a line a row.
 * - However the command ends, the terminal is given back as it was.
 */

import { utf8Encode, writeAllSync } from "../../core/bytes.ts";
import { visible } from "../../core/visible.ts";
import { dropTypedAhead } from "../../os/terminal.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface ScreenLine {
  readonly text: string;
  readonly strong?: boolean;
}

/** A named key ("Enter", "Up"), or the character that it types. */
export type Key = string;

export interface Screen {
  size(): Size;
  draw(lines: readonly ScreenLine[]): void;
  /**
   * Resolves with the keys of one stroke, or of a paste; null where the terminal is gone. One call
   * at a time.
   */
  keys(): Promise<readonly Key[] | null>;
  /** Drops what was typed and not read yet. */
  dropTypedAhead(): void;
  /** Calls back when the terminal has another size. */
  onResize(changed: () => void): void;
  /** Lends the terminal to another program, for as long as `work` takes. */
  aside<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

/** A screen of its own, no cursor, no wrapping: a line that is too long must not move others. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const STRONG = ["\x1b[1m", "\x1b[0m"] as const;
const READ_BYTES = 1024;

interface ScreenOutput {
  writeSync(bytes: Uint8Array): number;
}

/** Opens the terminal that a person types at; null where this process has none. */
export function openTerminal(): Deno.FsFile | null {
  try {
    return Deno.openSync("/dev/tty", { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return null;
  }
}

/**
 * Takes the terminal of this process, which `output` writes to; null where it has none. `plain`
 * leaves out bold type.
 */
export function openScreen(output: ScreenOutput, plain: boolean): Screen | null {
  const terminal = openTerminal();
  if (terminal === null) return null;
  const write = (text: string) => writeAllSync(output, utf8Encode(text));
  let drawn = "";
  const enter = () => {
    drawn = "";
    terminal.setRaw(true);
    write(ENTER);
  };
  const leave = () => {
    write(LEAVE);
    terminal.setRaw(false);
  };
  let isLent = false;
  enter();
  const close = once(leave);
  // the read that is under way would keep the process: it has to be ended
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      close();
      Deno.exit(1);
    });
  }
  return {
    size: sizeOfTerminal,
    draw: (lines) => {
      const text = drawing(lines, sizeOfTerminal(), plain);
      if (!isLent && text !== drawn) write(drawn = text);
    },
    keys: async () => {
      const bytes = new Uint8Array(READ_BYTES);
      const length = await terminal.read(bytes).catch(() => null);
      return length === null ? null : keysOf(new TextDecoder().decode(bytes.subarray(0, length)));
    },
    dropTypedAhead,
    onResize: (changed) => {
      Deno.addSignalListener("SIGWINCH", () => {
        drawn = "";
        changed();
      });
    },
    aside: async (work) => {
      isLent = true;
      leave();
      try {
        return await work();
      } finally {
        enter();
        isLent = false;
      }
    },
    close,
  };
}

/** A terminal that does not tell its size is taken for a small one. */
export function sizeOfTerminal(): Size {
  try {
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : { columns: 80, rows: 24 };
  } catch {
    return { columns: 80, rows: 24 };
  }
}

/** Lines that are too many are left out: whoever laid them out counted them. */
function drawing(lines: readonly ScreenLine[], { columns, rows }: Size, plain: boolean): string {
  const drawn = lines.slice(0, rows).map(({ text, strong }) => {
    const shown = visible(text).slice(0, columns - 1);
    return `${strong && !plain ? `${STRONG[0]}${shown}${STRONG[1]}` : shown}\x1b[K`;
  });
  return `\x1b[H${drawn.join("\r\n")}\x1b[J`;
}

/** By the sequences that terminals send (ECMA-48, xterm). */
const NAMED: ReadonlyMap<string, Key> = new Map([
  ["\x1b[A", "Up"],
  ["\x1b[B", "Down"],
  ["\x1bOA", "Up"],
  ["\x1bOB", "Down"],
  ["\x1b[5~", "PageUp"],
  ["\x1b[6~", "PageDown"],
  ["\r", "Enter"],
  ["\n", "Enter"],
  ["\x7f", "Backspace"],
  ["\b", "Backspace"],
  ["\x1b", "Escape"],
  ["\x03", "Interrupt"],
  ["\x04", "Interrupt"],
]);

/** Takes apart what one read brought. Sequences and controls that have no name are left out. */
function keysOf(text: string): Key[] {
  // deno-lint-ignore no-control-regex
  const strokes = text.match(/\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO.|\P{M}\p{M}*/gu) ?? [];
  return strokes.flatMap((stroke) => {
    const named = NAMED.get(stroke);
    if (named !== undefined) return [named];
    return /^[\p{C}]/u.test(stroke) ? [] : [stroke];
  });
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
