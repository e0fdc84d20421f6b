/**
 * The process in which a start tries the box and reads handlers, begun before the start is ready for it: to boot takes it
 * longer than all the rest of a start, and the first stage of `serve` knows what it will be.
 *
 * Invariant: it is taken for the examiner only if it is a child of this process, was started by the very order and told the very
 * terms that it would be now, and loaded files that are still what they have to be. It is begun only from a folder that belongs
 * to this user alone, since it runs what is there before that is looked at. Until it is taken it has nothing of any handler, and
 * ends when this process does.
 */

import type { Config } from "../config/config.ts";
import { folderOf } from "../core/path.ts";
import { type Child, spawnChild } from "../os/child_process.ts";
import { writeAll } from "../os/descriptors.ts";
import { fileStatus, isWritableForOthers } from "../os/file_status.ts";
import { program } from "../os/program.ts";
import { bootOf, type Purpose, termsOf } from "./boot.ts";
import { executorOrder, VARIABLE } from "./command_line.ts";
import { NO_GRANTS } from "./grants.ts";
import { type ExecutorLayout, harnessOf, layoutOf } from "./layout.ts";
import { frameOf } from "./protocol.ts";

/** One that was begun. */
export interface BegunExaminer {
  readonly child: Child;
  /** What it was told, as termsOf() has it. */
  readonly terms: string;
}

const MEMORY_BYTES = 256 * 1024 * 1024;

/** `groups`: of handlers that are read in a worker each. */
export function examinerPurpose({ importMap }: ExecutorLayout, groups: number): Purpose {
  return {
    // what the process itself may do, its workers must not
    grants: { ...NO_GRANTS, read: [importMap], env: [VARIABLE] },
    workerGrants: NO_GRANTS,
    // the doors and the first group are looked at in one worker, and the next one's starts along with it
    discipline: { runsMax: 2, shared: false, successor: true, spares: groups > 1 ? 1 : 0 },
    memoryBytes: MEMORY_BYTES,
  };
}

/** Whether nobody else has had a say in what is in that folder: it is run before it is compared with what it has to be. */
function isOwn(folder: string): boolean {
  const status = fileStatus(folder);
  return status?.kind === "directory" && status.uid === Deno.uid() && !isWritableForOthers(status);
}

/** null where no earlier start of this user has left it a program, and where it cannot be started: the start itself will say why. */
export function beginExaminer(
  directory: string,
  { limits }: Pick<Config, "limits">,
): BegunExaminer | null {
  // the single file starts the runtime by another command line than it is given
  if (program.packaged || ![folderOf(directory), directory].every(isOwn)) return null;
  const layout = layoutOf(directory);
  const needed = [layout.entry, layout.importMap, layout.harness];
  if (needed.some((file) => fileStatus(file) === undefined)) return null;
  const purpose = examinerPurpose(layout, 0); // what handlers are like is known, unless they were changed
  try {
    const boot = bootOf(harnessOf(layout), purpose, limits);
    const child = spawnChild(executorOrder(layout, purpose, () => undefined));
    return { child, terms: writeAll(child.channel, frameOf(boot)) ? termsOf(boot) : "" };
  } catch {
    return null;
  }
}
