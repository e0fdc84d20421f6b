/**
 * Threads of the daemon that have a module of their own.
 *
 * Invariant: a thread is started only where its descriptors can be had. The runtime ends the whole
 * process where they cannot.
 */

import { pathToFileURL } from "node:url";
import { libc, O_CLOEXEC } from "./libc.ts";

/** Pipes of two descriptors each. A thread of the runtime takes ten: for its loop and channels. */
const PIPES = 16;

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
  const pipes: Int32Array<ArrayBuffer>[] = [];
  try {
    while (pipes.length < PIPES) {
      const pipe = new Int32Array(2);
      if (libc.pipe2(pipe, O_CLOEXEC) !== 0) {
        throw new Error("too few descriptors are left for a thread; raise LimitNOFILE=");
      }
      pipes.push(pipe);
    }
  } finally {
    for (const descriptor of pipes.flatMap((pipe) => [...pipe])) libc.close(descriptor);
  }
}
