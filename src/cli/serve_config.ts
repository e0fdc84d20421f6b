/** The configuration that `serve` is told to run with. */

import { checkPaths, loadConfig, type LoadedConfig, type LoadRequest } from "../config/load.ts";
import { readConfigFile } from "../config/read_file.ts";
import { realPath } from "../os/file_status.ts";
import { program } from "../os/program.ts";
import type { Cli } from "./command.ts";
import type { ServeFlags } from "./serve_flags.ts";

/** For the first stage, which may write nowhere: the key of the embedded default is made by the second. Throws a ConfigError. */
export function readConfig(cli: Cli, flags: ServeFlags): LoadedConfig {
  return load(cli, flags, () => null);
}

/** For the second stage, as often as it is asked for. Throws a ConfigError. */
export async function readConfigWithKey(cli: Cli, flags: ServeFlags): Promise<LoadedConfig> {
  return load(cli, flags, await keyMaker(cli, flags));
}

/** What was loaded, if its paths are where they may be; before a start. Throws a ConfigError. */
export function checked(loaded: LoadedConfig): LoadedConfig {
  checkPaths(loaded, program.root, realPath);
  return loaded;
}

/** A named configuration has no use for the embedded default's key, nor for what makes it. */
async function keyMaker(
  { environment }: Cli,
  { config }: ServeFlags,
): Promise<LoadRequest["developmentKey"]> {
  if ((config ?? environment.config) !== null) return () => null;
  return (await import("./embedded_default.ts")).developmentKey;
}

function load(
  { environment, cwd }: Cli,
  { config, state, socket, mode }: ServeFlags,
  developmentKey: LoadRequest["developmentKey"],
): LoadedConfig {
  return loadConfig({
    config: config ?? null,
    overrides: { state: state ?? null, socket: socket ?? null, mode: mode ?? null },
    environment,
    cwd,
    read: readConfigFile,
    developmentKey,
  });
}
