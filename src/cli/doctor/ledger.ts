/**
 * Checks the ledger, and whether proposals can be decided here. It takes no lock, because a daemon
 * may be running.
 */

import { join } from "node:path";
import type { LedgerSnapshot } from "../../audit/snapshot.ts";
import type { Config } from "../../config/config.ts";
import { parsePublicKey } from "../../core/keys/public_key.ts";
import { spanText } from "../../core/span.ts";
import { checkAnchor } from "../../engine/checkpoints.ts";
import { currentKeyid } from "../../engine/keys.ts";
import { exists, ledgerFolder } from "../../ledger/disk/layout.ts";
import { checkIdentity } from "../../ledger/identity.ts";
import { decodeReceipt } from "../../log/receipt.ts";
import { parseTime } from "../../log/time.ts";
import { fileStatus } from "../../os/files.ts";
import { readRegularText } from "../../os/regular_file.ts";
import { PUBLIC_KEY_FILE } from "../verify/executor_keys.ts";
import { failed, type Finding, findingOf, ok, warning } from "./finding.ts";
import { checkSigner, type Vantage } from "./keys.ts";

/** Checks identity, anchor and signing key, and that the clock is not behind the newest receipt. */
export async function checkLedger(
  config: Config,
  nowMs: number,
  vantage: Vantage,
): Promise<Finding[]> {
  try {
    if (!await exists(ledgerFolder(config.stateDir))) {
      return [ok("ledger", "there is none yet: it is made on first start")];
    }
    // late: it loads native code
    const { LedgerSnapshot } = await import("../../audit/snapshot.ts");
    const snapshot = await LedgerSnapshot.open(config.stateDir);
    try {
      return inspect(snapshot, config, nowMs, vantage);
    } finally {
      await snapshot.close();
    }
  } catch (error) {
    return findingOf("ledger", error);
  }
}

function inspect(
  snapshot: LedgerSnapshot,
  config: Config,
  nowMs: number,
  vantage: Vantage,
): Finding[] {
  checkIdentity(snapshot, { executorId: config.executorId, mode: config.mode });
  const key = publicKeyIn(config.stateDir);
  if (config.anchor !== null && key !== undefined) {
    checkAnchor(config.anchor, key, snapshot);
  }
  const newestMs = newestTime(snapshot);
  const size = `${snapshot.executions} executions, ${snapshot.log.size()} log entries`;
  return [
    ok("ledger", `${size} of ${snapshot.executorId}`),
    waitingFinding(snapshot, nowMs),
    ...checkSigner(config, currentKeyid(snapshot.log), vantage),
    ...vaultFinding(snapshot.unreadableBuckets(config.stateDir, nowMs)),
    ...(newestMs > nowMs
      ? [
        failed(
          "clock",
          `it is before the newest receipt, ${new Date(newestMs).toISOString()}`,
          "set the clock",
        ),
      ]
      : []),
  ];
}

function vaultFinding(unreadable: number): Finding[] {
  return unreadable === 0 ? [] : [
    failed(
      "vault",
      `${unreadable} of its keys are missing or are other ones: what they sealed cannot be read`,
      "put them back as they were in vault/ of the state directory",
    ),
  ];
}

function publicKeyIn(stateDir: string): Uint8Array | undefined {
  try {
    return parsePublicKey(readRegularText(join(stateDir, PUBLIC_KEY_FILE)));
  } catch {
    return undefined;
  }
}

/** Returns the time of the newest receipt in milliseconds since 1970; 0 for an empty log. */
function newestTime({ log }: LedgerSnapshot): number {
  const newest = log.leaf(log.size() - 1);
  const receipt = newest === undefined ? undefined : decodeReceipt(newest.body);
  if (receipt === undefined) return 0;
  const time = receipt.kind === "execution"
    ? receipt.settled_at
    : receipt.kind === "refusal_summary"
    ? receipt.to
    : receipt.at;
  return parseTime(time) ?? 0;
}

/** A daemon that serves has made the sockets that it was started with. */
export function checkDeciding({ mode, sockets }: Config, { isServing }: Vantage): Finding[] {
  if (mode === "demo") return [];
  const deciding = sockets.filter(({ role }) => role === "approver");
  if (deciding.length === 0) {
    return [
      warning(
        "proposals",
        "no socket takes decisions: each would wait until it expires",
        'add a [[sockets]] table with role = "approver"',
      ),
    ];
  }
  try {
    const missing = deciding.filter(({ path }) => isServing && fileStatus(path) === undefined);
    return missing.map(({ path }) =>
      failed("proposals", `the daemon that serves has no socket ${path}`, "restart the daemon")
    );
  } catch (error) {
    return findingOf("proposals", error);
  }
}

/** The ledger knows what waits, whether a daemon serves or not. */
function waitingFinding(snapshot: LedgerSnapshot, nowMs: number): Finding {
  const ids = [...snapshot.waiting()];
  const oldest = ids[0] === undefined ? undefined : snapshot.proposal(ids[0]);
  if (oldest === undefined) return ok("proposals", "none waits");
  const seconds = Math.max(0, Math.round((nowMs - oldest.proposedAtMs) / 1000));
  return ok("proposals", `waiting: ${ids.length}, the oldest for ${spanText(seconds)}`);
}
