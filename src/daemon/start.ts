/**
 * The start of `openexec serve`, in two runs of one process.
 *
 * The first run may read everything, so that it finds its configuration. It replaces itself by the
 * second, which may touch what that configuration names and nothing else.
 */

import { pathToFileURL } from "node:url";
import { daemonVariables } from "../config/environment.ts";
import {
  checkPaths,
  loadConfig,
  loadConfigAgain,
  type LoadedConfig,
  type LoadRequest,
} from "../config/load.ts";
import { permissionFlags } from "../config/permissions.ts";
import { StartupError } from "../core/startup_error.ts";
import type { Mode } from "../core/types.ts";
import { RUNTIME_FLAGS } from "../os/deno_flags.ts";
import { realPath } from "../os/files.ts";
import { replaceProcess, shutOthersOut } from "../os/own_process.ts";
import { limitOf, RLIMIT_FSIZE } from "../os/process.ts";
import { program } from "../os/program.ts";
import { developmentKey } from "./development_key.ts";
import { readConfigFile, requireOwnFiles } from "./own_files.ts";
import type { DaemonContext, Ending } from "./serve.ts";

/** The flags of `serve`, as the command line parses them. */
export interface ServeFlags {
  readonly config?: string;
  readonly state?: string;
  readonly socket?: string;
  readonly mode?: Mode;
  readonly json?: true;
}

/**
 * Starts a daemon and resolves when it has ended. The first run does not return.
 * Throws a ConfigError or a StartupError.
 */
export async function start(context: DaemonContext, flags: ServeFlags): Promise<Ending> {
  shutOthersOut();
  requireGrowingFiles();
  if (isWide()) return narrow(context, flags);
  const request = requestOf(context, flags, developmentKey);
  const loaded = loadChecked(request);
  // The ledger's native code is loaded here and by no other run: it needs the ledger's permissions.
  const { serve } = await import("./serve.ts");
  return await serve(context, loaded, () => loadConfigAgain(request, loaded.config.path));
}

/** The kernel ends whoever writes past that limit, in the middle of it (SIGXFSZ). */
function requireGrowingFiles(): void {
  const bytes = limitOf(RLIMIT_FSIZE);
  if (bytes === Infinity) return;
  throw new StartupError(
    `A file of this process may have ${bytes} bytes, and the ledger grows`,
    "Lift the limit: `ulimit -f unlimited`, or LimitFSIZE=infinity in the unit",
  );
}

/** Tells whether this process still has the permissions it was started with. */
function isWide(): boolean {
  return Deno.permissions.querySync({ name: "read" }).state === "granted";
}

/** Becomes the second run and keeps the pid. */
function narrow(context: DaemonContext, flags: ServeFlags): never {
  // This run may write nowhere: the second one makes the key of the embedded default.
  const { config } = loadChecked(requestOf(context, flags, () => null));
  requireOwnFiles(config);
  const { credentialsDirectory } = context.environment.systemd;
  // The second run reads this very file, wherever the first one found it.
  const found = config.path === null ? flags : { ...flags, config: config.path };
  const args = [
    "run",
    ...RUNTIME_FLAGS,
    ...permissionFlags(config, program, credentialsDirectory, realPath),
    pathToFileURL(program.main).href,
    "serve",
    ...argumentsOf(found),
  ];
  const granted = [...config.actions.values()].flatMap(({ allow }) => allow.env);
  replaceProcess(program.runtime, args, daemonVariables(granted));
}

function loadChecked(request: LoadRequest): LoadedConfig {
  const loaded = loadConfig(request);
  checkPaths(loaded, program.root, realPath);
  return loaded;
}

function requestOf(
  { environment, cwd }: DaemonContext,
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

/** Returns arguments that say the same as these flags. */
function argumentsOf(flags: ServeFlags): string[] {
  return Object.entries(flags).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)]
  );
}
