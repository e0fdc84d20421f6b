/** The part of `openexec doctor` that looks at the runtime, handlers, clock, disk, ledger and a running daemon. */

import { dirname, join } from "node:path";
import { readHandlers } from "../actions/registry.ts";
import { OpenExecUnreachable } from "../client/errors.ts";
import type { Config } from "../config/config.ts";
import { parsePublicKey } from "../core/public_key.ts";
import { checkAnchor } from "../engine/anchor.ts";
import { verifyBox } from "../executor/box_check.ts";
import { describeHandlers } from "../executor/describe.ts";
import { Launcher } from "../executor/launch.ts";
import { freeBytes } from "../ledger/free_space.ts";
import { checkIdentity } from "../ledger/identity.ts";
import { exists, ledgerFolder } from "../ledger/layout.ts";
import type { LedgerSnapshot } from "../ledger/snapshot.ts";
import { decodeReceipt } from "../log/receipt.ts";
import { parseTime } from "../log/time.ts";
import type { Cli, DaemonFlags } from "./command.ts";
import { PUBLIC_KEY_FILE } from "./executor_keys.ts";
import { failed, type Finding, findingOf, ok, warning } from "./finding.ts";
import { withDaemon } from "./surroundings.ts";

const MEBIBYTE = 1024 * 1024;
const FRAME = { requestBytes: MEBIBYTE, resultBytes: MEBIBYTE };

/** Starts an executor, and a worker in it that tries to break out of its box. */
export async function checkRuntime(): Promise<Finding[]> {
  try {
    await withLauncher(verifyBox);
    return [ok("runtime", `Deno ${Deno.version.deno} keeps workers to their permissions`)];
  } catch (error) {
    return findingOf("runtime", error);
  }
}

async function withLauncher(use: (launcher: Launcher) => Promise<unknown>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "openexec-doctor-" });
  try {
    await use(await Launcher.open(directory, FRAME, () => undefined));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

export async function checkHost(config: Config, nowMs: number): Promise<Finding[]> {
  return [...await checkHandlers(config), ...checkClock(nowMs), ...checkDisk(config)];
}

async function checkHandlers({ actions, mode }: Config): Promise<Finding[]> {
  try {
    const handlers = await readHandlers(actions, mode);
    await withLauncher((launcher) => describeHandlers(handlers, launcher));
    return [ok("handlers", `${handlers.size} are pinned and can be loaded`)];
  } catch (error) {
    return findingOf("handlers", error);
  }
}

/** Of this file: no machine that runs it can be before it. */
const WRITTEN_MS = Date.UTC(2026, 0, 1);

function checkClock(nowMs: number): Finding[] {
  return [
    nowMs < WRITTEN_MS
      ? failed("clock", `it says ${new Date(nowMs).toISOString()}`, "set the clock, and let NTP keep it")
      : ok("clock", new Date(nowMs).toISOString()),
  ];
}

const DISK_MIN = 64 * MEBIBYTE;
const DISK_COMFORTABLE = 1024 * MEBIBYTE;

function checkDisk({ stateDir }: Config): Finding[] {
  const free = freeBytes(existing(stateDir));
  const detail = `${Math.floor(free / MEBIBYTE)} MiB free for ${stateDir}`;
  const remedy = "free space in that file system, or move state_dir";
  if (free < DISK_MIN) return [failed("disk", detail, remedy)];
  return [free < DISK_COMFORTABLE ? warning("disk", detail, remedy) : ok("disk", detail)];
}

/** The folder itself, or the nearest above it that is there. */
function existing(folder: string): string {
  try {
    return Deno.statSync(folder).isDirectory ? folder : dirname(folder);
  } catch {
    return existing(dirname(folder));
  }
}

/** The ledger's identity and anchor, and whether the clock went back since its newest execution. */
export async function checkLedger(config: Config, nowMs: number): Promise<Finding[]> {
  if (!await exists(ledgerFolder(config.stateDir))) {
    return [ok("ledger", "there is none yet: it is made on first start")];
  }
  const { LedgerSnapshot } = await import("../ledger/snapshot.ts"); // not before: it loads native code
  try {
    const snapshot = await LedgerSnapshot.open(config.stateDir);
    try {
      return inspect(snapshot, config, nowMs);
    } finally {
      await snapshot.close();
    }
  } catch (error) {
    return findingOf("ledger", error);
  }
}

function inspect(snapshot: LedgerSnapshot, config: Config, nowMs: number): Finding[] {
  checkIdentity(snapshot, { executorId: config.executorId, mode: config.mode });
  const key = publicKeyIn(config.stateDir);
  if (config.anchor !== null && key !== undefined) {
    checkAnchor(config.anchor, snapshot.executorId, [key], snapshot.log);
  }
  const newestMs = newestTime(snapshot);
  return [
    ok(
      "ledger",
      `${snapshot.executions} executions, ${snapshot.log.size()} log entries of ${snapshot.executorId}`,
    ),
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

function publicKeyIn(stateDir: string): Uint8Array | undefined {
  try {
    return parsePublicKey(Deno.readTextFileSync(join(stateDir, PUBLIC_KEY_FILE)));
  } catch {
    return undefined;
  }
}

/** Milliseconds since 1970 of the newest receipt; 0 for an empty log. */
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

/** A daemon that runs, or does not, is no fault; one that is unwell is. */
export async function checkService(cli: Cli, flags: DaemonFlags): Promise<Finding[]> {
  try {
    const { ready, version } = await withDaemon(cli, flags, "agent", (client) => client.status());
    return [
      ready
        ? ok("daemon", `version ${version} serves`)
        : failed("daemon", "it takes no work", "see `openexec status` and the daemon's log"),
    ];
  } catch (error) {
    if (error instanceof OpenExecUnreachable) return [ok("daemon", "none runs")];
    throw error;
  }
}
