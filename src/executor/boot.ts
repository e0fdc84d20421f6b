/** The first message to an executor: what it is for, without any handler. */

import type { Limits, Permissions } from "../config/config.ts";
import type { Rights } from "./command_line.ts";
import { workerPermissionsOf } from "./grants.ts";
import type { Boot, Code, Discipline } from "./protocol.ts";

/** What one kind of executor process is for. */
export interface Purpose extends Rights {
  /** Of its workers, where that is less than `permissions`. */
  readonly workerPermissions?: Permissions;
  readonly discipline: Discipline;
}

export type LaunchLimits = Pick<Limits, "requestBytes" | "resultBytes">;

const MEBIBYTE = 1024 * 1024;
/** Room for what goes beside a request or a result in a frame: secrets, schemas, log lines. */
const FRAME_EXTRA_BYTES = 4 * MEBIBYTE;
const LOG_LINES = 200;
/** Longer than what is kept in the end, so that no secret is cut in two before it is looked for. */
const LOG_LENGTH = 16_384;

/** `harness`: what runs in each worker. */
export function bootOf(
  harness: Code,
  { permissions, workerPermissions, discipline }: Purpose,
  { requestBytes, resultBytes }: LaunchLimits,
): Boot {
  return {
    kind: "boot",
    harness,
    permissions: workerPermissionsOf(workerPermissions ?? permissions),
    discipline,
    limits: {
      frameBytes: 2 * requestBytes + FRAME_EXTRA_BYTES,
      resultLength: resultBytes,
      logLines: LOG_LINES,
      logLength: LOG_LENGTH,
    },
  };
}

/** Bound of one frame from an executor. */
export function frameBytesMax({ resultBytes }: LaunchLimits): number {
  return 2 * resultBytes + FRAME_EXTRA_BYTES;
}
