/**
 * Gathers what this host knows about the daemon that an approval is for, from its configuration
 * and from its own answers.
 */

import { isJsonObject } from "../../core/json/json.ts";
import { OpenExecError, OpenExecUnreachable } from "../../client/errors.ts";
import type { Execution } from "../../client/execution.ts";
import type { OpenExecClient } from "../../client/client.ts";
import type { Config } from "../../config/config.ts";
import { ConfigError } from "../../config/config_error.ts";
import type { JsonObject } from "../../core/types.ts";
import type { DaemonFlags } from "../command.ts";
import { type Context, findConfig, withApproversDaemon } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { permissionsText } from "../../core/presentation.ts";

export interface Knowledge {
  /** null unless it is the configuration of the daemon that the approval is for. */
  readonly config: Config | null;
  readonly daemon: DaemonFacts | null;
}

/** The answers of a daemon to this user. */
export interface DaemonFacts {
  readonly tenant: string | null;
  /** The actions that may be asked for on its socket. */
  readonly actions: readonly JsonObject[];
  /** The execution under the request's nonce; null where this user may see none. */
  readonly execution: Execution | null;
}

/** The code and the permissions that an action has now. */
export interface HandlerFacts {
  readonly digest: string | null;
  readonly permissions: string;
}

/** A daemon that does not answer at once is left out: this only warns. */
const TIMEOUT_MS = 2_000;

/** Asks for what is known about `aud`. Never fails for want of a daemon or a configuration. */
export async function gatherKnowledge(
  context: Context,
  flags: DaemonFlags,
  aud: string,
  nonce: string,
): Promise<Knowledge> {
  const daemon = await factsOf(context, flags, aud, nonce);
  const config = configurationHere(context, flags);
  if (config === null) return { config, daemon };
  const isNamed = config.path !== null || flags.socket === undefined;
  const isOfThisDaemon = config.executorId === aud || (daemon !== null && isNamed);
  return { config: isOfThisDaemon ? config : null, daemon };
}

/** Says what is configured for an action; null where nothing is known about it. */
export function handlerFacts({ config, daemon }: Knowledge, name: string): HandlerFacts | null {
  const told = daemon?.actions.find((action) => action["name"] === name);
  if (told !== undefined) {
    const { handler_digest: digest, grants } = told;
    return {
      digest: typeof digest === "string" ? digest : null,
      permissions: isJsonObject(grants) ? permissionsText(grants) : "(not told)",
    };
  }
  const action = config?.actions.get(name);
  if (action === undefined) return null;
  return { digest: action.digest, permissions: permissionsText({ ...action.allow }) };
}

/**
 * Returns what the file says, whichever socket is asked. Returns null where none was named and the
 * system's cannot be read: this may be no daemon's host.
 */
export function configurationHere(context: Context, flags: DaemonFlags): Config | null {
  try {
    const environment = { ...context.environment, socket: null };
    const { config } = flags;
    return findConfig({ ...context, environment }, config === undefined ? {} : { config }).config;
  } catch (error) {
    if (
      error instanceof ConfigError && flags.config === undefined &&
      context.environment.config === null
    ) {
      return null;
    }
    throw error;
  }
}

async function factsOf(
  context: Context,
  flags: DaemonFlags,
  aud: string,
  nonce: string,
): Promise<DaemonFacts | null> {
  try {
    return await withApproversDaemon(context, flags, async (client) => {
      const { executor_id, tenant } = await client.describe();
      if (executor_id !== aud) return null;
      const actions = await client.actions();
      return { tenant, actions, execution: await executionOf(client, nonce) };
    }, { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    const isAbsent = error instanceof OpenExecUnreachable || error instanceof OpenExecError ||
      error instanceof ConfigError || error instanceof UsageError;
    if (isAbsent) return null;
    throw error;
  }
}

async function executionOf(client: OpenExecClient, nonce: string): Promise<Execution | null> {
  try {
    return await client.getByNonce(nonce);
  } catch (error) {
    if (error instanceof OpenExecError && error.code === "execution_not_found") return null;
    throw error;
  }
}
