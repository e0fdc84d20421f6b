/** Checks the runtime, handlers, descriptors, clock and disk, and a daemon that runs. */

import { OpenExecError, OpenExecUnreachable } from "../../client/errors.ts";
import type { Config } from "../../config/config.ts";
import { readVariable } from "../../config/environment.ts";
import type { Mode } from "../../core/types.ts";
import { type BoxState, Pool } from "../../executor/pool.ts";
import { freeBytes } from "../../ledger/disk/free_space.ts";
import { machineClock } from "../../os/process.ts";
import { kernelWarnings, unconfinedWarnings, type Warning } from "../../daemon/texts.ts";
import { descriptorLimit } from "../../os/descriptors.ts";
import { connectionsMax } from "../../server/admission/admission.ts";
import type { DaemonFlags } from "../command.ts";
import { existing } from "./files.ts";
import { failed, type Finding, findingOf, ok, warning } from "./finding.ts";
import { type Context, withDaemon } from "../context.ts";

const MEBIBYTE = 1024 * 1024;
const FRAME = { requestBytes: MEBIBYTE, resultBytes: MEBIBYTE };

/** Findings of a start of executors like a daemon's. */
export interface ExecutorFindings {
  readonly box: readonly Finding[];
  readonly handlers: readonly Finding[];
}

/** Starts executors that try to break out of their box and then load the handlers. */
export async function checkExecutors(
  { actions, mode }: Pick<Config, "actions" | "mode">,
): Promise<ExecutorFindings> {
  try {
    const box = await tryPool(actions, mode);
    const handlers = ok("handlers", `${actions.size} are pinned and can be loaded`);
    return { box: boxFindings(box), handlers: [handlers, ...warningsOf(unconfinedWarnings(box))] };
  } catch (error) {
    return { box: await checkBox(), handlers: findingOf("handlers", error) };
  }
}

/** The same without any handler: the box by itself. */
export async function checkBox(): Promise<readonly Finding[]> {
  try {
    return boxFindings(await tryPool(new Map(), "demo"));
  } catch (error) {
    return findingOf("box", error);
  }
}

function boxFindings(box: BoxState): readonly Finding[] {
  const warnings = warningsOf(kernelWarnings(box));
  const kept = `Deno ${Deno.version.deno} and the kernel keep handlers in their box`;
  return warnings.length > 0 ? warnings : [ok("box", kept)];
}

function warningsOf(warnings: readonly Warning[]): Finding[] {
  return warnings.map(({ what, remedy }) => warning("box", what, remedy));
}

/** Starts executors as a daemon would, in a folder of their own, and ends them. */
async function tryPool(actions: Config["actions"], mode: Mode): Promise<BoxState> {
  const stateDir = await Deno.makeTempDir({ prefix: "openexec-doctor-" });
  try {
    const pool = await Pool.start(actions, {
      stateDir,
      mode,
      box: { kernel: "available" },
      limits: FRAME,
      variable: readVariable,
      clock: machineClock,
      log: { line: () => {}, failed: () => {}, died: () => {} },
    });
    await pool.close();
    return pool.box;
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
}

export function checkHost(config: Config, nowMs: number): readonly Finding[] {
  return [...checkDescriptors(), ...checkClock(nowMs), ...checkDisk(config)];
}

function checkDescriptors(): Finding[] {
  const limit = descriptorLimit();
  try {
    return [ok("descriptors", `room for ${connectionsMax(limit)} connections`)];
  } catch (error) {
    return findingOf("descriptors", error);
  }
}

/** When this file was written: a clock that is before it is wrong. */
const WRITTEN_MS = Date.UTC(2026, 0, 1);

function checkClock(nowMs: number): Finding[] {
  return [
    nowMs < WRITTEN_MS
      ? failed(
        "clock",
        `it says ${new Date(nowMs).toISOString()}`,
        "set the clock, and let NTP keep it",
      )
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

/** Only a daemon that runs and takes no work is a fault. */
export async function checkService(
  context: Context,
  flags: DaemonFlags,
): Promise<{ findings: Finding[]; isServing: boolean }> {
  try {
    const { ready, version } = await withDaemon(
      context,
      flags,
      "agent",
      (client) => client.status(),
    );
    const finding = ready
      ? ok("daemon", `version ${version} serves`)
      : failed("daemon", "it takes no work", "see `openexec status` and the daemon's log");
    return { findings: [finding], isServing: true };
  } catch (error) {
    if (error instanceof OpenExecUnreachable) {
      return {
        findings: [ok("daemon", "none runs, or this user may not connect")],
        isServing: false,
      };
    }
    if (!(error instanceof OpenExecError)) throw error;
    return refusedBy(error);
  }
}

/** The user of doctor need not be an agent. Other refusals may come from another program. */
function refusedBy({ code, message }: OpenExecError): { findings: Finding[]; isServing: boolean } {
  if (code === "peer_denied" || code === "rate_limited") {
    return {
      findings: [ok("daemon", `one runs; this user may not ask it: ${code}`)],
      isServing: true,
    };
  }
  const finding = failed("daemon", message, "see what listens on its socket, and the daemon's log");
  return { findings: [finding], isServing: false };
}
