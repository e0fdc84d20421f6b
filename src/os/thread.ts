/**
 * Threads of the daemon that have a module of their own.
 *
 * Invariant: a thread is started only where its descriptors can be had. The runtime ends the whole
 * process where they cannot.
 */

import { pathToFileURL } from "node:url";
import { makePipe } from "./descriptors.ts";
import { libc } from "./libc.ts";

/** A thread of the runtime takes ten: for its loop and channels. */
const DESCRIPTORS = 32;

/**
 * Starts the module at a path, with the process's permissions or none. Throws an Error where the
 * process has too few descriptors left.
 */
export function startThread(path: string, permissions: "inherit" | "none"): Worker {
  requireDescriptors();
  return new Worker(pathToFileURL(path), { type: "module", deno: { permissions } });
}

/** Opens as many as a thread needs and more, and closes them. */
function requireDescriptors(): void {
  const open: number[] = [];
  try {
    while (open.length < DESCRIPTORS) {
      const pipe = makePipe();
      if (pipe === undefined) {
        throw new Error("too few descriptors are left for a thread; raise LimitNOFILE=");
      }
      open.push(...pipe);
    }
  } finally {
    for (const descriptor of open) libc.close(descriptor);
  }
}
