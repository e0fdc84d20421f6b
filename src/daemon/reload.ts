/**
 * Reloads at SIGHUP (signals.ts, serve.ts): the trust store (engine/trust.ts) takes approvers,
 * their keys, [clawshield] and the tenant as they are now.
 */

import { ConfigError, problemText } from "../config/config_error.ts";
import type { LoadedConfig } from "../config/load.ts";
import { StartupError } from "../core/startup_error.ts";
import { CONFIG_PART, faultFields } from "../telemetry/redact.ts";
import { logger } from "../telemetry/log.ts";
import type { Daemon } from "./daemon.ts";
import { requireOwnConfig } from "./own_files.ts";

/** Returns false where the configuration does not load; the old one stays. Never rejects. */
export async function reload(daemon: Daemon, load: () => LoadedConfig): Promise<boolean> {
  const log = logger("daemon");
  let loaded: LoadedConfig;
  try {
    loaded = load();
    requireOwnConfig(loaded.config);
  } catch (error) {
    const problems = problemsOf(error);
    for (const problem of problems) {
      logger(CONFIG_PART).error("the configuration does not load", { problem });
    }
    // a problem has said what to mend; the frames are for faults of ours
    const fields = problems.length > 0 ? {} : faultFields(error);
    log.error("reload failed; the trust store is as it was", fields);
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

function problemsOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems.map(problemText);
  return error instanceof StartupError ? [error.message] : [];
}
