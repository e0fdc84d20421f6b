/**
 * The start of `openexec serve`, in two runs of one process. The first may read everything, so that it finds its
 * configuration. It replaces itself by the second, which may touch what that configuration names and nothing else.
 */

import { daemonVariables } from "../config/environment.ts";
import type { LoadedConfig } from "../config/load.ts";
import { permissionFlags } from "../config/permissions.ts";
import { replaceProcess } from "../os/exec.ts";
import { RUNTIME_FLAGS } from "../os/deno_flags.ts";
import { program } from "../os/program.ts";
import { shutOthersOut } from "../os/self_protection.ts";
import type { Cli } from "./command.ts";
import { requireOwnFiles } from "./own_files.ts";
import type { ServeFlags } from "./serve.ts";
import { checked, readConfig, readConfigAgain, readConfigWithKey } from "./serve_config.ts";

/** Throws a ConfigError or StartupError. The first run does not return. */
export async function start(cli: Cli, flags: ServeFlags): Promise<void> {
  shutOthersOut();
  if (isWide()) {
    const loaded = checked(readConfig(cli, flags));
    requireOwnFiles(loaded.config);
    return narrow(cli, flags, loaded);
  }
  const loaded = checked(await readConfigWithKey(cli, flags));
  // Loads the ledger's native code, which no other run and no other command may.
  const { runService } = await import("./service.ts");
  const load = () => readConfigAgain(cli, flags, loaded.config.path);
  cli.exitCode = await runService(cli, loaded, load);
}

/** Whether this process still has the permissions it was started with. */
function isWide(): boolean {
  return Deno.permissions.querySync({ name: "read" }).state === "granted";
}

/** Keeps the pid. */
function narrow(cli: Cli, flags: ServeFlags, { config }: LoadedConfig): never {
  const { credentialsDirectory } = cli.environment.systemd;
  const granted = [...config.actions.values()].flatMap(({ allow }) => allow.env);
  // The second run reads this very file, wherever the first one found it.
  const found = config.path === null ? flags : { ...flags, config: config.path };
  const args = [
    "run",
    ...RUNTIME_FLAGS,
    ...permissionFlags(config, program, credentialsDirectory),
    program.main,
    "serve",
    ...argumentsOf(found),
  ];
  replaceProcess(program.runtime, args, daemonVariables(granted));
}

/** Arguments that say the same as these flags. */
function argumentsOf(flags: ServeFlags): string[] {
  return Object.entries(flags).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)]
  );
}
