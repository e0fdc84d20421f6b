/**
 * The two stages of `openexec serve`, in the same process. The first reads the configuration, the second runs under the
 * permissions that it calls for.
 *
 * Every start waits for both, so nothing is imported here that the first has no use for.
 */

import { checkPaths, loadConfig, type LoadedConfig, type LoadRequest } from "../config/load.ts";
import { readConfigFile } from "../config/read_file.ts";
import { realPath } from "../os/file_status.ts";
import { program } from "../os/program.ts";
import type { Cli } from "./command.ts";
import { endingOf } from "./ending.ts";
import type { ExitCode } from "./exit_code.ts";
import { isWide, narrow } from "./narrow.ts";
import { argumentsOf, type ServeFlags } from "./serve_flags.ts";
import { systemCli } from "./system_cli.ts";

/** The whole command, where its flags are plain. */
export async function runServe(flags: ServeFlags): Promise<ExitCode> {
  const cli = systemCli();
  return await endingOf(cli, false, () => serve(cli, flags));
}

/** The first stage does not return. */
export async function serve(cli: Cli, flags: ServeFlags): Promise<void> {
  if (isWide()) {
    // it may write nowhere, so the key of the embedded default is made by the second
    const { config } = checked(load(cli, flags, () => null));
    narrow(config, ["serve", ...argumentsOf(flags)], cli.environment);
  }
  const developmentKey = await keyMaker(cli, flags);
  const again = () => load(cli, flags, developmentKey);
  const loaded = checked(again());
  const { headStart } = await import("./head_start.ts");
  const begun = headStart(loaded.config);
  await Promise.allSettled([begun]); // to load anything more would keep the executor from being started
  const { runService } = await import("./service.ts");
  cli.exitCode = await runService(cli, loaded, begun, again);
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

function checked(loaded: LoadedConfig): LoadedConfig {
  checkPaths(loaded, program.root, realPath);
  return loaded;
}
