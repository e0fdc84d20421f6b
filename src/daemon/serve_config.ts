/** The configuration that `serve` is told to run with. */

import {
  checkPaths,
  loadConfig,
  loadConfigAgain,
  type LoadedConfig,
  type LoadRequest,
  readConfigFile,
} from "../config/load.ts";
import { realPath } from "../os/files.ts";
import { program } from "../os/program.ts";
import type { Cli } from "../cli/command.ts";
import type { ServeFlags } from "../cli/serve.ts";

/** For the first run, which may write nowhere: the second makes the key of the embedded default. Throws a ConfigError. */
export function readConfig(cli: Cli, flags: ServeFlags): LoadedConfig {
  return loadConfig(requestOf(cli, flags, () => null));
}

/** For the second run. Throws a ConfigError. */
export async function readConfigWithKey(cli: Cli, flags: ServeFlags): Promise<LoadedConfig> {
  const named = flags.config ?? cli.environment.config;
  return loadConfig(requestOf(cli, flags, await keyMaker(named)));
}

/** For a reload, of what the daemon was started from: that file, or null for the embedded default. Throws a ConfigError. */
export async function readConfigAgain(
  cli: Cli,
  flags: ServeFlags,
  startedFrom: string | null,
): Promise<LoadedConfig> {
  return loadConfigAgain(requestOf(cli, flags, await keyMaker(startedFrom)), startedFrom);
}

/** What was loaded, if its paths are where they may be; before a start. Throws a ConfigError. */
export function checked(loaded: LoadedConfig): LoadedConfig {
  checkPaths(loaded, program.root, realPath);
  return loaded;
}

/** A named configuration has no use for the embedded default's key, nor for what makes it. */
async function keyMaker(named: string | null): Promise<LoadRequest["developmentKey"]> {
  if (named !== null) return () => null;
  return (await import("./development_key.ts")).developmentKey;
}

function requestOf(
  { environment, cwd }: Cli,
  { config, state, socket, mode }: ServeFlags,
  developmentKey: LoadRequest["developmentKey"],
): LoadRequest {
  return {
    config: config ?? null,
    overrides: { state: state ?? null, socket: socket ?? null, mode: mode ?? null },
    environment,
    cwd,
    read: readConfigFile,
    developmentKey,
  };
}
