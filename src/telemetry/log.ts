/**
 * Structured logs, written to a stream that may stall.
 *
 * Invariants:
 * - A message is a fixed text (its type takes no other), everything that varies is a field, and
 *   fields pass redact(). A line says that something happened and to which execution, and nothing
 *   of what was in it. Messages are never rendered as templates.
 * - A reader that has stopped does not stop the daemon: lines wait in memory up to a limit, and
 *   those beyond it are dropped and counted.
 */

import { type ByteStream, utf8Encode, writeAll } from "../core/bytes.ts";
import { systemClock } from "../core/clock.ts";
import { sleep, within } from "../core/wait.ts";
import { formatLine, type Level, LEVELS, type LogFormat } from "./log_format.ts";
import type { Fields } from "./redact.ts";

/** A text that is known when the code is written; never for one with a variable in it. */
export type Fixed<Text extends string> = Record<never, never> extends Record<Text, 1> ? never
  : Text;

type Say = <Text extends string>(message: Fixed<Text>, fields?: Fields) => void;

export interface Logger {
  readonly debug: Say;
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
  return { debug: at("debug"), info: at("info"), warning: at("warning"), error: at("error") };
}

export interface LoggingOptions {
  readonly format: LogFormat;
  readonly color: boolean;
  readonly lowestLevel: Level;
  /** Standard error, in the daemon. */
  readonly stream: ByteStream;
}

/**
 * Configures every logger of the process, also those made before. Returns a function that
 * resolves to true when everything logged so far is written, or to false where that takes longer
 * than `limitMs`.
 */
export function configureLogging(
  { format, color, lowestLevel, stream }: LoggingOptions,
): (limitMs: number) => Promise<boolean> {
  const writer = new LineWriter(stream, (count) => {
    logger("telemetry").warning("log lines were dropped because nobody read them", { count });
  });
  const lowest = LEVELS.indexOf(lowestLevel);
  emit = (level, part, message, properties) => {
    if (LEVELS.indexOf(level) < lowest) return;
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
