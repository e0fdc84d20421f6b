/**
 * Checks that the host backs what the configuration permits to actions: by the word of the daemon
 * that serves, since its unit may keep from it what this shell has.
 */

import { OpenExecError, OpenExecUnreachable } from "../../client/errors.ts";
import type { Config } from "../../config/config.ts";
import { unreachableWarnings } from "../../daemon/texts.ts";
import { unreachable } from "../../executor/permissions.ts";
import type { DaemonFlags } from "../command.ts";
import { type Context, withDaemon } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { failed, type Finding, ok } from "./finding.ts";

export async function checkAllow(
  context: Context,
  flags: DaemonFlags,
  { actions }: Config,
): Promise<Finding[]> {
  const told = await toldByDaemon(context, flags);
  const missing = told ?? unreachable(actions.values());
  if (missing.length === 0) {
    const whose = told === null ? "this user" : "the daemon that serves";
    return [ok("allow", `${whose} has what actions may read, write, run and connect to`)];
  }
  return unreachableWarnings(missing).map(({ what, remedy }) => failed("allow", what, remedy));
}

/** Returns null where none serves, or this user may not ask it. */
async function toldByDaemon(context: Context, flags: DaemonFlags): Promise<string[] | null> {
  try {
    const { unreachable: told } = await withDaemon(
      context,
      flags,
      "admin",
      (client) => client.operator.status(),
    );
    return Array.isArray(told) ? told.map(String) : null;
  } catch (error) {
    const isOutOfReach = error instanceof OpenExecUnreachable || error instanceof OpenExecError ||
      error instanceof UsageError;
    if (isOutOfReach) return null;
    throw error;
  }
}
