/** What every command is made of: its surroundings as arguments, the flags all of them share, and how errors are told. */

import { Command, CommanderError } from "commander";
import { isErrorCode, OpenExecError, OpenExecUnreachable } from "../client/errors.ts";
import type { Environment } from "../config/environment.ts";
import type { Clock } from "../core/clock.ts";
import { ERRORS, Refusal } from "../core/errors.ts";
import type { ExitCode } from "./exit_code.ts";
import type { Terminal } from "./terminal.ts";

/** Everything outside of a command. */
export interface Cli {
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** Absolute. */
  readonly cwd: string;
  readonly clock: Clock;
  /** From its first call on, Ctrl-C no longer ends the process but aborts this signal. */
  readonly interruption: () => AbortSignal;
  /** Set by a command that ends without an error, and yet not well. */
  exitCode: ExitCode;
}

export interface JsonFlag {
  readonly json?: true;
}

/** Which daemon is meant. */
export interface DaemonFlags extends JsonFlag {
  readonly socket?: string;
  readonly config?: string;
}

/** Which files on this host are meant, without a daemon. */
export interface LocalFlags extends JsonFlag {
  readonly state?: string;
  readonly config?: string;
}

/** `summary` is the line in the list of commands; `description` says the rest. */
export function command(name: string, summary: string, description = ""): Command {
  return new Command(name)
    .summary(summary)
    .description(description === "" ? summary : `${summary}\n\n${description.replaceAll("\n", " ")}`)
    .option("--json", "print JSON, one value a line")
    .helpOption("-h, --help", "show this help");
}

/** A command that talks to a daemon. */
export function daemonCommand(name: string, summary: string, description = ""): Command {
  return command(name, summary, description)
    .option("--socket <path>", "the daemon's socket (default: $OPENEXEC_SOCKET, else of the configuration)")
    .option("--config <file>", "the configuration file (default: $OPENEXEC_CONFIG, else the system's)");
}

/** A command that works on files of this host. */
export function localCommand(name: string, summary: string, description = ""): Command {
  return command(name, summary, description)
    .option("--state <dir>", "the state directory (default: $OPENEXEC_STATE_DIR, else of the configuration)")
    .option("--config <file>", "the configuration file (default: $OPENEXEC_CONFIG, else the system's)");
}

/** Tells an error on standard error: its code, what happened, and what to do next. */
export function tellError(cli: Cli, error: unknown, asJson: boolean): void {
  if (error instanceof CommanderError) return; // commander said it already
  const { code, detail, help } = descriptionOf(error);
  if (asJson) {
    const { effect, retry } = error instanceof OpenExecError
      ? error
      : { effect: undefined, retry: undefined };
    cli.terminal.note(JSON.stringify({ code, detail, help, effect, retry }));
    return;
  }
  cli.terminal.note(`openexec: ${code === null ? "" : `${code}: `}${detail}`);
  if (help !== null && help !== detail) cli.terminal.note(`  ${help}`);
}

interface ErrorDescription {
  /** Of the error table; null for what no daemon decided. */
  readonly code: string | null;
  readonly detail: string;
  readonly help: string | null;
}

function descriptionOf(error: unknown): ErrorDescription {
  if (error instanceof OpenExecError) return { code: error.code, detail: error.detail, help: error.help };
  if (error instanceof Refusal) {
    return {
      code: error.code,
      detail: error.detail,
      help: isErrorCode(error.code) ? ERRORS[error.code].help : null,
    };
  }
  if (error instanceof OpenExecUnreachable) {
    const help = error.effect === "none"
      ? "Is the daemon running, and is this its socket? See `openexec doctor`."
      : "It may have run. Send the very same request again: its nonce keeps it from running twice.";
    return { code: null, detail: `${error.message}${causeOf(error)}`, help };
  }
  return { code: null, detail: error instanceof Error ? error.message : String(error), help: null };
}

/** The operating system's word for it, such as ENOENT or EACCES. */
function causeOf({ cause }: OpenExecUnreachable): string {
  return cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
}
