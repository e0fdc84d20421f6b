/** The context of a command: all it is given from outside, its configuration and its daemon. */

import { resolve } from "node:path";
import { parseApproverKey } from "../client/approver_key.ts";
import type { OpenExecClient } from "../client/client.ts";
import type { ConnectionOptions } from "../client/connection.ts";
import { OpenExecUnreachable } from "../client/errors.ts";
import type { Config } from "../config/config.ts";
import { type DevelopmentKey, SYSTEM_CONFIG, SYSTEM_SOCKETS } from "../config/defaults.ts";
import { type Environment, readEnvironment } from "../config/environment.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import type { MachineClock } from "../core/clock.ts";
import type { Role } from "../core/types.ts";
import { readRegularText } from "../os/regular_file.ts";
import { machineClock } from "../os/process.ts";
import { readConfigFile } from "../daemon/own_files.ts";
import type { DaemonFlags, LocalFlags } from "./command.ts";
import { DONE, type ExitCode, Interrupted, UsageError } from "./exit_code.ts";
import { systemTerminal, type Terminal } from "./terminal/terminal.ts";

export interface Context {
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** Absolute. */
  readonly cwd: string;
  readonly clock: MachineClock;
  /** From its first call on, Ctrl-C no longer ends the process but aborts this signal. */
  readonly interruption: () => AbortSignal;
  /** Set by a command that ends without an error, and yet not well. */
  exitCode: ExitCode;
}

/** Returns the context of this process. */
export function systemContext(): Context {
  return {
    terminal: systemTerminal(),
    environment: readEnvironment(),
    get cwd() {
      return workingDirectory();
    },
    clock: machineClock,
    interruption: interruption(),
    exitCode: DONE,
  };
}

/** Throws UsageError where the runtime has no name for it. */
function workingDirectory(): string {
  try {
    return Deno.cwd();
  } catch {
    throw new UsageError("the name of this folder is not UTF-8: change to another one");
  }
}

/** Makes one signal for the process, which listens from the first call on. */
function interruption(): () => AbortSignal {
  let controller: AbortController | undefined;
  return () => {
    if (controller === undefined) {
      const made = new AbortController();
      Deno.addSignalListener("SIGINT", () => made.abort(new Interrupted()));
      controller = made;
    }
    return controller.signal;
  };
}

/**
 * Loads the configuration that is named, else the system's, else the embedded default. Throws
 * ConfigError.
 */
export function findConfig(context: Context, flags: LocalFlags & DaemonFlags): LoadedConfig {
  return loadConfig({
    config: flags.config ?? null,
    overrides: { state: flags.state ?? null, socket: flags.socket ?? null, mode: null },
    environment: context.environment,
    cwd: context.cwd,
    read: readConfigFile,
    developmentKey: readDevelopmentKey,
  });
}

/** Returns null where the key was not made yet, or is not this user's to read. */
function readDevelopmentKey(file: string): DevelopmentKey | null {
  try {
    return parseApproverKey(readRegularText(file));
  } catch {
    return null;
  }
}

/** For what may be sent again. A person waits: after three attempts they should know. */
export const RETRIED: ClientOptions = { retry: { attempts: 3 } };

/** Options of a client, in place of the SDK's and of one attempt. */
type ClientOptions = Pick<ConnectionOptions, "retry" | "timeoutMs">;

/** Opens a client of the daemon that is meant, for as long as `use` takes. */
export async function withDaemon<T>(
  context: Context,
  flags: DaemonFlags,
  role: Role,
  use: (client: OpenExecClient) => Promise<T>,
  options: ClientOptions = {},
): Promise<T> {
  // late: a daemon's start is a command too, and talks to none
  const { OpenExecClient } = await import("../client/client.ts");
  const client = new OpenExecClient({
    socketPath: findSocket(context, flags, role),
    clock: context.clock,
    retry: { attempts: 1 },
    ...options,
  });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/**
 * Does the same for an approver, who may reach an approver's socket alone, or an agent's where the
 * daemon has none for approvers.
 */
export async function withApproversDaemon<T>(
  context: Context,
  flags: DaemonFlags,
  use: (client: OpenExecClient) => Promise<T>,
  options: ClientOptions = {},
): Promise<T> {
  try {
    return await withDaemon(context, flags, "approver", use, options);
  } catch (error) {
    const isElsewhere = error instanceof UsageError ||
      (error instanceof OpenExecUnreachable && error.effect === "none");
    if (!isElsewhere) throw error;
    return await withDaemon(context, flags, "agent", use, options);
  }
}

/** Returns the socket that was named, else the configuration's first one of that role. */
export function findSocket(context: Context, flags: DaemonFlags, role: Role): string {
  if (flags.socket !== undefined) return resolve(context.cwd, flags.socket);
  const { config, socket } = context.environment;
  // the variable names the agents' socket; only the configuration knows the operator's
  if (role === "agent" && socket !== null && flags.config === undefined) {
    return resolve(context.cwd, socket);
  }
  if (flags.config === undefined && config === null && isClosed(SYSTEM_CONFIG)) {
    return SYSTEM_SOCKETS[role];
  }
  const found = findConfig(context, flags).config;
  const path = socketOf(found, role) ?? missing(role, flags.config ?? config);
  // without a configuration file the variable may name the operator's socket too
  const isNamed = socket !== null && found.path === null && !exists(path);
  return isNamed ? resolve(context.cwd, socket) : path;
}

/** Whether it is another user's: /etc/openexec is open to the daemon and to root. */
function isClosed(path: string): boolean {
  try {
    Deno.openSync(path).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied;
  }
}

export function exists(path: string): boolean {
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
  const where = config ?? "the configuration";
  throw new UsageError(`${where} has no socket whose role is "${role}"; name one with --socket`);
}
