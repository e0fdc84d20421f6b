/**
 * The forms of a log line: JSON for machines, a line for people on a terminal, and a line with its
 * sd-daemon(3) priority for the journal.
 */

import { fstatSync } from "node:fs";
import { visible } from "../core/visible.ts";
import { redact } from "./redact.ts";

export type LogFormat = "json" | "terminal" | "journal";

/** From the least to the most important. */
export const LEVELS = ["debug", "info", "warning", "error"] as const;

export type Level = typeof LEVELS[number];

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
const PRIORITIES: Readonly<Record<Level, number>> = { debug: 7, info: 6, warning: 4, error: 3 };

const COLORS: Readonly<Record<Level, string>> = {
  debug: "\x1b[2m",
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
