/**
 * `openexec serve`: the daemon in the foreground, in two stages of the same process. The first reads the configuration, the
 * second runs under the permissions that it calls for.
 */

import { type Command, Option } from "commander";
import { checkPaths, loadConfig, type LoadedConfig } from "../config/load.ts";
import { readConfigFile } from "../config/read_file.ts";
import { realPath } from "../os/file_status.ts";
import { program } from "../os/program.ts";
import { type Cli, command, type JsonFlag } from "./command.ts";
import { developmentKey } from "./embedded_default.ts";
import { isWide, narrow } from "./narrow.ts";
import { runService } from "./service.ts";

interface ServeFlags extends JsonFlag {
  readonly config?: string;
  readonly state?: string;
  readonly socket?: string;
  readonly mode?: "enforced" | "demo";
}

export function serveCommand(cli: Cli): Command {
  return command(
    "serve",
    "run the daemon in the foreground",
    "Prints where it listens and `ready`. SIGTERM drains: what runs may end, nothing new starts; a second one stops at\n" +
      "once. SIGHUP reads approvers and their keys again. Without a configuration file it runs with built-in actions and\n" +
      "an approver key of its own making.",
  )
    .option("--config <file>", "the configuration file (default: $OPENEXEC_CONFIG, else the system's)")
    .option("--state <dir>", "the state directory")
    .option("--socket <path>", "the agents' socket")
    .addOption(new Option("--mode <mode>", "enforced or demo").choices(["enforced", "demo"]))
    .action(async (flags: ServeFlags) => {
      const loaded = load(cli, flags);
      checkPaths(loaded, program.root, realPath);
      if (isWide()) narrow(loaded.config, ["serve", ...argumentsOf(flags)], cli.environment);
      cli.exitCode = await runService(cli, loaded, () => load(cli, flags));
    });
}

/** The key of the embedded default is made in the second stage: the first may write nowhere. */
function load(cli: Cli, flags: ServeFlags): LoadedConfig {
  return loadConfig({
    config: flags.config ?? null,
    overrides: { state: flags.state ?? null, socket: flags.socket ?? null, mode: flags.mode ?? null },
    environment: cli.environment,
    cwd: cli.cwd,
    read: readConfigFile,
    developmentKey: (file) => isWide() ? null : developmentKey(file),
  });
}

function argumentsOf(flags: ServeFlags): string[] {
  return Object.entries(flags).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)]
  );
}
