/**
 * Finds out what a start has to know before anything runs: that the box is shut, and what handlers take and give.
 *
 * Invariant: the process that tried every door of the box is the one that then loads handlers, so that whatever stands at the
 * top of their files runs in no box that was not tested.
 */

import { type HandlerCode, readHandler } from "../actions/pin.ts";
import { program } from "../os/program.ts";
import type { Purpose } from "./boot.ts";
import { verifyBox } from "./box_check.ts";
import { VARIABLE } from "./command_line.ts";
import { describeHandlers, groupsOf, type HandlerSchemas } from "./describe.ts";
import { NO_PERMISSIONS } from "./grants.ts";
import type { Launcher } from "./launch.ts";

/** No action's name. */
const PROBE = "(probe)";

const MEMORY_BYTES = 256 * 1024 * 1024;

type Examiners = Pick<Launcher, "layout" | "start">;

/** Schemas by the names of the handlers. */
export type Schemas = ReadonlyMap<string, HandlerSchemas>;

/** Throws a StartupError when the box is not shut, or a handler cannot be used. Nothing is left of the process then either. */
export async function examine(
  handlers: ReadonlyMap<string, HandlerCode>,
  launcher: Examiners,
): Promise<Schemas> {
  const probe = await readHandler(program.probe);
  const converter = await readHandler(program.schemaConverter);
  const { importMap } = launcher.layout;
  const groups = groupsOf(handlers);
  const process = launcher.start({
    ...purposeOf(importMap, groups.length),
    handlers: new Map([[PROBE, probe], ...handlers]),
  }, () => {});
  try {
    await verifyBox(process, PROBE, importMap);
    return await describeHandlers(process, handlers, groups, converter);
  } finally {
    process.retire();
    await process.exited;
  }
}

/** `groups`: of handlers that are read in a worker each. */
function purposeOf(importMap: string, groups: number): Purpose {
  return {
    // what the process itself may do, its workers must not
    permissions: { ...NO_PERMISSIONS, read: [importMap], env: [VARIABLE] },
    workerPermissions: NO_PERMISSIONS,
    // the doors and the first group are looked at in one worker, and the next one's starts along with it
    discipline: { runsMax: 2, shared: false, successor: true, spares: groups > 1 ? 1 : 0 },
    memoryBytes: MEMORY_BYTES,
  };
}
