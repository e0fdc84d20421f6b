/**
 * Whether the directories above a socket can be trusted: whoever may rename in one of them can put a socket of their own in
 * the daemon's place and be handed what was meant for it, approvals included.
 */

import { dirname } from "node:path";
import { StartupError } from "../core/startup_error.ts";
import { type FileStatus, fileStatus, realPath } from "./files.ts";
import { processCalls } from "./libc.ts";

const STICKY = 0o1000;
const WORLD_WRITABLE = 0o002;
const GROUP_WRITABLE = 0o020;

/** Throws a StartupError unless every directory above `path`, as written and as resolved, is root's or this user's own. */
export function checkSocketDirectory(path: string): void {
  const parent = dirname(path);
  const resolved = realPath(parent);
  if (resolved === undefined) {
    throw new StartupError(
      `The directory ${parent} is not there`,
      "Make it, owned by this user, with mode 0755",
    );
  }
  for (const directory of new Set([...upwards(parent), ...upwards(resolved)])) {
    checkDirectory(directory);
  }
}

function upwards(directory: string): string[] {
  const above = dirname(directory);
  return above === directory ? [directory] : [directory, ...upwards(above)];
}

function checkDirectory(directory: string): void {
  const status = fileStatus(directory);
  const fault = status === undefined ? "is gone" : faultOf(status);
  if (fault !== null) {
    throw new StartupError(
      `The socket's directory ${directory} ${fault}`,
      "Put the socket where only root and this user may rename files",
    );
  }
}

function faultOf(status: FileStatus): string | null {
  const { geteuid, getegid } = processCalls();
  if (status.uid !== 0 && status.uid !== geteuid()) return "belongs to another user";
  // A link's own mode says nothing, and what it leads to is looked at as well.
  if (status.kind === "link" || (status.mode & STICKY) !== 0) return null;
  if ((status.mode & WORLD_WRITABLE) !== 0) return "is writable for everyone and not sticky";
  const foreignGroup = status.gid !== 0 && status.gid !== getegid();
  return (status.mode & GROUP_WRITABLE) !== 0 && foreignGroup
    ? "is writable for another group"
    : null;
}
