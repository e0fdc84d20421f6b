/** Which configuration, which daemon and which files a command is about. */

import { resolve } from "node:path";
import { parseApproverKey } from "../client/approver_key.ts";
import { OpenExecClient } from "../client/client.ts";
import type { Config } from "../config/config.ts";
import type { DevelopmentKey } from "../config/defaults.ts";
import { loadConfig, type LoadedConfig, readConfigFile } from "../config/load.ts";
import type { Role } from "../core/types.ts";
import type { Cli, DaemonFlags, LocalFlags } from "./command.ts";
import { UsageError } from "./exit_code.ts";

/** The configuration a command finds. Throws ConfigError. */
export function findConfig(cli: Cli, flags: LocalFlags & DaemonFlags): LoadedConfig {
  return loadConfig({
    config: flags.config ?? null,
    overrides: { state: flags.state ?? null, socket: flags.socket ?? null, mode: null },
    environment: cli.environment,
    cwd: cli.cwd,
    read: readConfigFile,
    developmentKey: readDevelopmentKey,
  });
}

/** Uses a client for as long as `use` takes. */
export async function withDaemon<T>(
  cli: Cli,
  flags: DaemonFlags,
  role: Role,
  use: (client: OpenExecClient) => Promise<T>,
): Promise<T> {
  const client = findDaemon(cli, flags, role);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** A person waits: what three attempts do not bring is for them to know. */
const ATTEMPTS = 3;

/** A client of the socket that was named, or else of the configuration's first one of that role. */
function findDaemon(cli: Cli, flags: DaemonFlags, role: Role): OpenExecClient {
  return new OpenExecClient({
    socketPath: findSocket(cli, flags, role),
    clock: cli.clock,
    retry: { attempts: ATTEMPTS },
  });
}

function findSocket(cli: Cli, flags: DaemonFlags, role: Role): string {
  if (flags.socket !== undefined) return resolve(cli.cwd, flags.socket);
  const { config, socket } = cli.environment;
  // a variable names the agents' socket; where the operator's is, only the configuration knows
  if (role === "agent" && socket !== null && flags.config === undefined) {
    return resolve(cli.cwd, socket);
  }
  const found = findConfig(cli, flags).config;
  const path = socketOf(found, role) ?? missing(role, flags.config ?? config);
  // without a configuration file the variable may as well name the operator's
  return socket !== null && found.path === null && !exists(path) ? resolve(cli.cwd, socket) : path;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function socketOf({ sockets }: Config, role: Role): string | undefined {
  const own = sockets.find((socket) => socket.role === role);
  // an admin socket takes what an agent socket takes
  return (own ?? (role === "agent" ? sockets[0] : undefined))?.path;
}

function missing(role: Role, config: string | null): never {
  throw new UsageError(
    `${
      config ?? "the configuration"
    } has no socket whose role is "${role}"; name one with --socket`,
  );
}

/** null where it was not made yet, or is not this user's to read. */
function readDevelopmentKey(file: string): DevelopmentKey | null {
  try {
    return parseApproverKey(Deno.readTextFileSync(file));
  } catch {
    return null;
  }
}
