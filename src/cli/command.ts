/** What every command is made of: its surroundings as arguments, and the flags all of them share. */

import { Command } from "commander";
import type { Environment } from "../config/environment.ts";
import type { MachineClock } from "../core/clock.ts";
import type { ExitCode } from "./exit_code.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** Everything outside of a command. */
export interface Cli {
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** Absolute. */
  readonly cwd: string;
  readonly clock: MachineClock;
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
    .description(
      description === "" ? summary : `${summary}\n\n${description.replaceAll("\n", " ")}`,
    )
    .option("--json", "print JSON, one value a line")
    .helpOption("-h, --help", "show this help");
}

/** A command that talks to a daemon. */
export function daemonCommand(name: string, summary: string, description = ""): Command {
  return command(name, summary, description)
    .option(
      "--socket <path>",
      "the daemon's socket (default: $OPENEXEC_SOCKET, else of the configuration)",
    )
    .option(
      "--config <file>",
      "the configuration file (default: $OPENEXEC_CONFIG, else the system's)",
    );
}

/** A command that works on files of this host. */
export function localCommand(name: string, summary: string, description = ""): Command {
  return command(name, summary, description)
    .option(
      "--state <dir>",
      "the state directory (default: $OPENEXEC_STATE_DIR, else of the configuration)",
    )
    .option(
      "--config <file>",
      "the configuration file (default: $OPENEXEC_CONFIG, else the system's)",
    );
}
