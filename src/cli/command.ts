/** Makes commands: a name, the texts for help, and the flags that commands share. */

import { Command } from "commander";

export interface JsonFlag {
  readonly json?: true;
}

/** Flags that say which daemon is meant. */
export interface DaemonFlags extends JsonFlag {
  readonly socket?: string;
  readonly config?: string;
}

/** Flags that say which files of this host are meant, without a daemon. */
export interface LocalFlags extends JsonFlag {
  readonly state?: string;
  readonly config?: string;
}

/**
 * `summary` is the line in the list of commands; `description` says the rest, on any number of
 * lines.
 */
export function command(name: string, summary: string, description = ""): Command {
  const rest = description.replace(/\s+/g, " ");
  return new Command(name)
    .summary(summary)
    .description(rest === "" ? summary : `${summary}\n\n${rest}`)
    .option("--json", "print JSON, one value a line")
    .helpOption("-h, --help", "show this help");
}

export const CONFIG_FLAG = [
  "--config <file>",
  "the configuration file (default: $OPENEXEC_CONFIG, else the system's)",
] as const;

export const SOCKET_FLAG = [
  "--socket <path>",
  "the daemon's socket (default: $OPENEXEC_SOCKET, else of the configuration)",
] as const;

/** A command that talks to a daemon. */
export function daemonCommand(name: string, summary: string, description = ""): Command {
  return command(name, summary, description)
    .option(...SOCKET_FLAG)
    .option(...CONFIG_FLAG);
}

/** A command that works on files of this host. */
export function localCommand(name: string, summary: string, description = ""): Command {
  return command(name, summary, description)
    .option(
      "--state <dir>",
      "the state directory (default: $OPENEXEC_STATE_DIR, else of the configuration)",
    )
    .option(...CONFIG_FLAG);
}
