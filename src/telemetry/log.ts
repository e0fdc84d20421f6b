/**
 * Structured logs, from the call to a stream that may stall. A line is JSON for machines, made for
 * people on a terminal, or has its sd-daemon(3) priority for the journal.
 *
 * Invariants:
 * - A message is a fixed text (its type takes no other), everything that varies is a field, and
 *   fields pass redact(). A line says that something happened and to which execution, and nothing
 *   of what was in it. Messages are never rendered as templates.
 * - A reader that has stopped does not stop the daemon: lines wait in memory up to a limit, and
 *   those beyond it are dropped and counted.
 */

import { fstatSync } from "node:fs";
import { type ByteStream, utf8Encode, writeAll } from "../core/bytes.ts";
import { systemClock } from "../core/clock.ts";
import { visible } from "../core/visible.ts";
import { sleep, within } from "../core/wait.ts";
import { type Fields, redact } from "./redact.ts";

/** A text that is known when the code is written; never for one with a variable in it. */
export type Fixed<Text extends string> = Record<never, never> extends Record<Text, 1> ? never
  : Text;

type Say = <Text extends string>(message: Fixed<Text>, fields?: Fields) => void;

export interface Logger {
  readonly info: Say;
  readonly warning: Say;
  readonly error: Say;
}

/** Writes a line; null before configureLogging(). The process has one log. */
let emit: ((level: Level, part: string, message: string, fields: Fields) => void) | null = null;

/** `part` is the folder that speaks, such as "engine". Says nothing before configureLogging(). */
export function logger(part: string): Logger {
  const at = (level: Level) => (message: string, fields: Fields = {}) =>
    emit?.(level, part, message, fields);
  return { info: at("info"), warning: at("warning"), error: at("error") };
}

export interface LoggingOptions {
  readonly format: LogFormat;
  readonly color: boolean;
  /** Standard error, in the daemon. */
  readonly stream: ByteStream;
}

/**
 * Configures every logger of the process, also those made before. Returns a function that
 * resolves to true when everything logged so far is written, or to false where that takes longer
 * than `limitMs`.
 */
export function configureLogging(
  { format, color, stream }: LoggingOptions,
): (limitMs: number) => Promise<boolean> {
  const writer = new LineWriter(stream, (count) => {
    logger("telemetry").warning("log lines were dropped because nobody read them", { count });
  });
  emit = (level, part, message, properties) => {
    const line = { timestamp: systemClock.nowMs(), level, part, message, properties };
    writer.write(formatLine(line, format, color));
  };
  return (limitMs) => writer.flush(limitMs);
}

const WAITING_CHARACTERS_MAX = 4 * 2 ** 20;
/** Lines of as long are written together. */
const GATHER_MS = 25;

export class LineWriter {
  #waiting: string[] = [];
  #characters = 0;
  #dropped = 0;
  #writing: Promise<void> | null = null;

  /** Calls `onDropped` with the number of lost lines once there is room again, for a line too. */
  constructor(
    private readonly stream: ByteStream,
    private readonly onDropped: (count: number) => void,
  ) {}

  /** Takes a line without its newline; never waits and never throws. */
  write(line: string): void {
    if (this.#characters + line.length > WAITING_CHARACTERS_MAX) {
      this.#dropped++;
      return;
    }
    this.#characters += line.length;
    this.#waiting.push(line);
    this.#writing ??= this.#drain();
  }

  /**
   * Resolves to true once everything taken so far is written, or to false where that takes longer
   * than `limitMs`.
   */
  async flush(limitMs: number): Promise<boolean> {
    const written = this.#writing?.then(() => true) ?? Promise.resolve(true);
    return await within(written, limitMs) ?? false;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await sleep(GATHER_MS);
      const text = `${this.#waiting.join("\n")}\n`;
      const dropped = this.#dropped;
      this.#waiting = [];
      this.#characters = 0;
      this.#dropped = 0;
      if (dropped > 0) this.onDropped(dropped);
      try {
        await writeAll(this.stream, utf8Encode(text));
      } catch {
        // nobody reads: a log that is gone is no reason to stop serving
      }
    }
    this.#writing = null;
  }
}

export type LogFormat = "json" | "terminal" | "journal";

export type Level = "info" | "warning" | "error";

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly level: Level;
  /** The part of openexec that speaks. */
  readonly part: string;
  readonly message: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

interface Stream {
  readonly device: number;
  readonly inode: number;
}

/** The words of JOURNAL_STREAM. */
interface JournalStream {
  readonly device: string;
  readonly inode: string;
}

/**
 * Chooses the format for standard error. `device` and `inode` are the stream's; `journal` comes
 * from JOURNAL_STREAM.
 */
export function logFormatFor(
  stream: Stream & { readonly isTerminal: boolean },
  journal: JournalStream | null,
): LogFormat {
  if (stream.isTerminal) return "terminal";
  return isJournal(stream, journal) ? "journal" : "json";
}

/**
 * Returns what sets the priority of a line that is written to an open descriptor: nothing where it
 * is not the journal that reads it.
 */
export function priorityMark(
  level: Level,
  descriptor: number,
  journal: JournalStream | null,
): string {
  if (journal === null) return "";
  const { dev: device, ino: inode } = fstatSync(descriptor);
  return isJournal({ device, inode }, journal) ? `<${PRIORITIES[level]}>` : "";
}

/** A child of a service inherits JOURNAL_STREAM, but not always the stream: systemd.exec(5). */
function isJournal({ device, inode }: Stream, journal: JournalStream | null): boolean {
  return journal !== null && journal.device === String(device) && journal.inode === String(inode);
}

/**
 * Returns one line, without its newline. Characters that could hide or reorder others are escaped
 * in every form: JSON stays the same JSON, and logs are looked at on terminals.
 */
export function formatLine(line: LogLine, format: LogFormat, color: boolean): string {
  const fields = redact(line.properties, line.part);
  switch (format) {
    case "json": {
      const { level, part, message } = line;
      const record = { time: timeText(line.timestamp), level, part, message, ...fields };
      return visible(JSON.stringify(record));
    }
    case "journal":
      return `<${PRIORITIES[line.level]}>${line.part}: ${line.message}${fieldsText(fields)}`;
    case "terminal": {
      const time = timeText(line.timestamp).slice(11, 23);
      const level = line.level.padEnd(7);
      const [before, after] = color ? [COLORS[line.level], "\x1b[0m"] : ["", ""];
      return `${time} ${before}${level}${after} ${line.part}: ${line.message}${fieldsText(fields)}`;
    }
  }
}

/** Levels of syslog(3). */
const PRIORITIES: Readonly<Record<Level, number>> = { info: 6, warning: 4, error: 3 };

const COLORS: Readonly<Record<Level, string>> = {
  info: "\x1b[32m",
  warning: "\x1b[33m",
  error: "\x1b[31m",
};

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

function fieldsText(fields: Readonly<Record<string, unknown>>): string {
  return visible(
    Object.entries(fields).map(([name, value]) => ` ${name}=${valueText(value)}`).join(""),
  );
}

function valueText(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
