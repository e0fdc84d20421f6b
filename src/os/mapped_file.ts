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
  const inode = String(Deno.statSync(path).ino);
  for (const line of (readProc("/proc/self/maps") ?? "").split("\n")) {
    // proc_pid_maps(5): address range, permissions, offset, device, inode, path
    const [range = "", permissions = "", , , mapped] = line.split(/\s+/, 5);
    if (mapped !== inode || !permissions.endsWith("s")) continue;
    const [start = 0n, end = 0n] = range.split("-").map((address) => BigInt(`0x${address}`));
    libc.madvise(start, end - start, MADV_DONTNEED);
  }
}
