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
import type { Context } from "./context.ts";
import type { ServeFlags } from "./serve.ts";

/** For the first run, which may write nowhere: the second makes the key of the embedded default. Throws a ConfigError. */
export function readConfig(context: Context, flags: ServeFlags): LoadedConfig {
  return loadConfig(requestOf(context, flags, () => null));
}

/** For the second run. Throws a ConfigError. */
export async function readConfigWithKey(
  context: Context,
  flags: ServeFlags,
): Promise<LoadedConfig> {
  const named = flags.config ?? context.environment.config;
  return loadConfig(requestOf(context, flags, await keyMaker(named)));
}

/** For a reload, of what the daemon was started from: that file, or null for the embedded default. Throws a ConfigError. */
export async function readConfigAgain(
  context: Context,
  flags: ServeFlags,
  startedFrom: string | null,
): Promise<LoadedConfig> {
  return loadConfigAgain(requestOf(context, flags, await keyMaker(startedFrom)), startedFrom);
}

/** What was loaded, if its paths are where they may be; before a start. Throws a ConfigError. */
export function checked(loaded: LoadedConfig): LoadedConfig {
  checkPaths(loaded, program.root, realPath);
  return loaded;
}

/** A named configuration has no use for the embedded default's key, nor for what makes it. */
async function keyMaker(named: string | null): Promise<LoadRequest["developmentKey"]> {
  if (named !== null) return () => null;
  return (await import("./embedded_default.ts")).developmentKey;
}

function requestOf(
  { environment, cwd }: Context,
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
