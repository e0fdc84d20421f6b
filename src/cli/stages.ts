/**
 * The two stages of `openexec serve`, in the same process. The first reads the configuration, the second runs under the
 * permissions that it calls for.
 *
 * Every start waits for both, so nothing is imported here that the other has no use for.
 */

import type { LoadedConfig } from "../config/load.ts";
import type { Cli } from "./command.ts";
import { endingOf } from "./ending.ts";
import type { ExitCode } from "./exit_code.ts";
import { type Handover, takeHandover } from "./handover.ts";
import { argumentsOf, type ServeFlags } from "./serve_flags.ts";
import { systemCli } from "./system_cli.ts";

/** The whole command, where its flags are plain. */
export async function runServe(flags: ServeFlags): Promise<ExitCode> {
  const cli = systemCli();
  return await endingOf(cli, false, () => serve(cli, flags));
}

/** The first stage does not return. */
export async function serve(cli: Cli, flags: ServeFlags): Promise<void> {
  if (isWide()) await firstStage(cli, flags);
  else await secondStage(cli, flags, takeHandover());
}

/** Whether this process still has the permissions it was started with. */
function isWide(): boolean {
  return Deno.permissions.querySync({ name: "read" }).state === "granted";
}

async function firstStage(cli: Cli, flags: ServeFlags): Promise<never> {
  const { checked, readConfig } = await import("./serve_config.ts");
  const { narrow } = await import("./narrow.ts");
  const loaded = checked(readConfig(cli, flags));
  const { path } = loaded.config;
  // the second stage reads this very file, should it have to, wherever it was found
  const found = path === null ? flags : { ...flags, config: path };
  return narrow(loaded, ["serve", ...argumentsOf(found)], cli.environment);
}

async function secondStage(
  cli: Cli,
  flags: ServeFlags,
  { loaded, examiner }: Handover,
): Promise<void> {
  const { config, warnings } = loaded ?? await readAnew(cli, flags);
  const { headStart } = await import("./head_start.ts");
  const begun = headStart(config, examiner);
  await Promise.allSettled([begun]); // to load anything more would keep the executor from booting
  const { runService } = await import("./service.ts");
  const reload = async () => {
    const { readConfigAgain } = await import("./serve_config.ts");
    return await readConfigAgain(cli, flags, config.path);
  };
  cli.exitCode = await runService(cli, { config, warnings }, begun, reload);
}

async function readAnew(cli: Cli, flags: ServeFlags): Promise<LoadedConfig> {
  const { checked, readConfigWithKey } = await import("./serve_config.ts");
  return checked(await readConfigWithKey(cli, flags));
}
