/** What SIGHUP does: approvers, their keys and the tenant are taken from the configuration as it is now. */

import { ConfigError, problemText } from "../config/config_error.ts";
import type { LoadedConfig } from "../config/load.ts";
import { StartupError } from "../core/startup_error.ts";
import { CONFIG_PART, faultFields } from "../telemetry/redact.ts";
import { logger } from "../telemetry/log.ts";
import type { Daemon } from "./daemon.ts";
import { requireOwnConfig } from "./own_files.ts";

/** false where the configuration does not load: the one that did stays in force. Never rejects. */
export async function reload(daemon: Daemon, load: () => Promise<LoadedConfig>): Promise<boolean> {
  const log = logger("daemon");
  let loaded: LoadedConfig;
  try {
    loaded = await load();
    requireOwnConfig(loaded.config);
  } catch (error) {
    tellProblems(error);
    log.error("reload failed; the trust store is as it was", faultFields(error));
    return false;
  }
  try {
    await daemon.reload(loaded.config);
    log.info("trust store reloaded");
  } catch (error) {
    log.error(
      "the trust store was reloaded, but its receipt could not be recorded",
      faultFields(error),
    );
  }
  if (daemon.needsRestart(loaded.config)) {
    log.warning("what else was changed in the configuration waits for a restart");
  }
  return true;
}

function tellProblems(error: unknown): void {
  for (const problem of problemsOf(error)) {
    logger(CONFIG_PART).error("the configuration does not load", { problem });
  }
}

function problemsOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems.map(problemText);
  return error instanceof StartupError ? [error.message] : [];
}
