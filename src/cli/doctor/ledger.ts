/** Checks the ledger. It takes no lock, because a daemon may be running. */

import { join } from "node:path";
import type { Config } from "../../config/config.ts";
import { parsePublicKey } from "../../core/keys/public_key.ts";
import { readRegularText } from "../../os/regular_file.ts";
import { checkAnchor } from "../../engine/checkpoints.ts";
import { currentKeyid } from "../../engine/keys.ts";
import { checkIdentity } from "../../ledger/identity.ts";
import { exists, ledgerFolder } from "../../ledger/disk/layout.ts";
import type { LedgerSnapshot } from "../../audit/snapshot.ts";
import { decodeReceipt } from "../../log/receipt.ts";
import { parseTime } from "../../log/time.ts";
import { checkSigner, type Vantage } from "./keys.ts";
import { PUBLIC_KEY_FILE } from "../verify/executor_keys.ts";
import { failed, type Finding, findingOf, ok } from "./finding.ts";
import { waitingFinding } from "./proposals.ts";

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
