/** Groups by name: getgrnam(3), so that every source the host is configured for is asked. */

import { cString, folderCalls } from "./libc.ts";

/** `gr_gid` in `struct group`, after two pointers. */
const GR_GID_OFFSET = 16;

/** undefined when the host knows no such group. */
export function groupId(name: string): number | undefined {
  const entry = folderCalls().getgrnam(cString(name));
  return entry === null ? undefined : new Deno.UnsafePointerView(entry).getUint32(GR_GID_OFFSET);
}
