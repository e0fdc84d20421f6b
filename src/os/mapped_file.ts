/**
 * Gives mapped pages of a file back to the kernel.
 *
 * A page that was read through a map counts as this process's memory until it is given back,
 * although it is only the page cache seen from here. The pages stay in the cache, and come back
 * when they are read again.
 */

import { libc } from "./libc.ts";
import { readProc } from "./process.ts";

const MADV_DONTNEED = 4;

/** Gives back every page of the file at `path` that was read through a shared map. */
export function releaseMappedFile(path: string): void {
  // proc_pid_maps(5): address range, permissions, offset, device, inode, path
  const shared = new RegExp(`^(\\w+)-(\\w+) ...s \\w+ \\S+ ${Deno.statSync(path).ino} `, "gm");
  for (const [, from, to] of (readProc("/proc/self/maps") ?? "").matchAll(shared)) {
    const [start, end] = [BigInt(`0x${from}`), BigInt(`0x${to}`)];
    libc.madvise(start, end - start, MADV_DONTNEED);
  }
}
