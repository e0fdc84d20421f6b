/**
 * Structured logs, through LogTape.
 *
 * Invariants: a message is a fixed text (its type takes no other), everything that varies is a field, and fields pass
 * redact(); so a line says that something happened and to which execution, and nothing of what was in it. Messages are
 * never rendered as templates.
 */

import { configureSync, getLogger, type LogRecord, type Sink } from "@logtape/logtape";
import { formatLine, type Level, type LogFormat } from "./log_format.ts";
import { type ByteStream, LineWriter } from "./line_writer.ts";
import type { Fields } from "./redact.ts";

const ROOT = "openexec";

/** A text that is known when the code is written: a variable or a template with variables is of type never. */
export type Fixed<Text extends string> = Record<never, never> extends Record<Text, 1> ? never
  : Text;

type Say = <Text extends string>(message: Fixed<Text>, fields?: Fields) => void;

export interface Logger {
  readonly debug: Say;
  readonly info: Say;
  readonly warning: Say;
  readonly error: Say;
}

/** `part` is the folder that speaks: "engine", "server", "executor". Says nothing before configureLogging(). */
export function logger(part: string): Logger {
  const inner = getLogger([ROOT, part]);
  return {
    debug: (message, fields = {}) => inner.debug(message, fields),
    info: (message, fields = {}) => inner.info(message, fields),
    warning: (message, fields = {}) => inner.warning(message, fields),
    error: (message, fields = {}) => inner.error(message, fields),
  };
}

export interface LoggingOptions {
  readonly format: LogFormat;
  readonly color: boolean;
  readonly lowestLevel: Level;
  /** Standard error, in the daemon. */
  readonly stream: ByteStream;
}

/** Configures every logger of the process, also those made before. The answer waits for what was logged to be written. */
export function configureLogging(
  { format, color, lowestLevel, stream }: LoggingOptions,
): () => Promise<void> {
  const writer = new LineWriter(stream, (count) => {
    logger("telemetry").warning("log lines were dropped because nobody read them", { count });
  });
  const sink: Sink = (record) => writer.write(formatLine(lineOf(record), format, color));
  configureSync({
    reset: true,
    sinks: { stream: sink },
    loggers: [
      { category: ROOT, sinks: ["stream"], lowestLevel },
      { category: ["logtape", "meta"], sinks: ["stream"], lowestLevel: "warning" },
    ],
  });
  return () => writer.flush();
}

const LEVELS: Readonly<Record<LogRecord["level"], Level>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warning",
  error: "error",
  fatal: "error",
};

function lineOf({ timestamp, level, category, rawMessage, properties }: LogRecord) {
  const message = typeof rawMessage === "string" ? rawMessage : rawMessage.join("");
  return {
    timestamp,
    level: LEVELS[level],
    part: category.slice(1).join("."),
    message,
    properties,
  };
}
