/**
 * Pages of a file that this process has mapped, given back to the kernel.
 *
 * A page that was read through a map counts as this process's memory until it is asked back, although it is only the page
 * cache seen from here. Whoever maps a file larger than the memory it may take says from time to time that it is done:
 * the pages stay in the cache, and come back when they are read.
 */

import { utf8Decode } from "../core/bytes.ts";
import { cString, fileCalls, kernelCalls } from "./libc.ts";

const O_RDONLY = 0;
const O_CLOEXEC = 0o2000000;
const MADV_DONTNEED = 4;
const CHUNK_BYTES = 65_536;

/** Gives back every page of the file at `path` that was read through a shared map. Whoever reads it meanwhile notices nothing. */
export function releaseMappedFile(path: string): void {
  const inode = String(Deno.statSync(path).ino);
  for (const line of readMaps().split("\n")) {
    // proc_pid_maps(5): address range, permissions, offset, device, inode, path
    const [range = "", permissions = "", , , mapped] = line.split(/\s+/, 5);
    if (mapped !== inode || !permissions.endsWith("s")) continue;
    const [start = 0n, end = 0n] = range.split("-").map((address) => BigInt(`0x${address}`));
    kernelCalls().madvise(start, end - start, MADV_DONTNEED);
  }
}

function readMaps(): string {
  const descriptor = fileCalls().open(cString("/proc/self/maps"), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return "";
  let text = "";
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const length = Number(fileCalls().read(descriptor, chunk, BigInt(chunk.length)));
    if (length <= 0) break;
    text += utf8Decode(chunk.subarray(0, length)) ?? "";
  }
  fileCalls().close(descriptor);
  return text;
}
