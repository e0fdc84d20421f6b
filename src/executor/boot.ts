/** The first message to an executor: what it is for. */

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

/** `harness` runs in each worker. The process that sends the message adds its token. */
export function bootOf(
  harness: Code,
  handlers: Boot["handlers"],
  { permissions, workerPermissions, discipline }: Purpose,
  { requestBytes, resultBytes }: LaunchLimits,
): Omit<Boot, "token"> {
  return {
    kind: "boot",
    harness,
    handlers,
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
