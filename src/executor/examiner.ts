/**
 * The process in which a start tries the box and reads handlers, begun before the start is ready for it: to boot takes it
 * longer than all the rest of a start, and the first stage of `serve` knows what it will be.
 *
 * Invariant: it is taken for the examiner only if it is a child of this process, was started by the very order that would be
 * given now, and loaded files that are still what they have to be. Until it is taken it has nothing of anybody's, waits for its
 * first message, and ends when this process does.
 */

import { type Child, spawnChild } from "../os/child_process.ts";
import { fileStatus } from "../os/file_status.ts";
import { executorOrder, type Rights, VARIABLE } from "./command_line.ts";
import { NO_GRANTS } from "./grants.ts";
import { type ExecutorLayout, layoutOf } from "./layout.ts";

const MEMORY_BYTES = 256 * 1024 * 1024;

/** What the process itself may do, so that there is something its workers must not: they are granted nothing. */
export function examinerRights({ importMap }: Pick<ExecutorLayout, "importMap">): Rights {
  return { grants: { ...NO_GRANTS, read: [importMap], env: [VARIABLE] }, memoryBytes: MEMORY_BYTES };
}

/** null where no earlier start has left it a program, and where it cannot be started: the start itself will say why. */
export function beginExaminer(directory: string): Child | null {
  const layout = layoutOf(directory);
  if ([layout.entry, layout.importMap].some((file) => fileStatus(file) === undefined)) return null;
  try {
    return spawnChild(executorOrder(layout, examinerRights(layout), () => undefined));
  } catch {
    return null;
  }
}
