/**
 * Finds out whether others than root and one user can change what is at a path.
 *
 * The whole way to it counts, as the kernel walks it: every folder and every link. A user who may
 * rename in one of those folders can put something else in its place: a socket that is then handed
 * approvals, a configuration, a handler, the program that executors run.
 */

import { dirname, join } from "node:path";
import { StartupError } from "../core/startup_error.ts";
import { type FileStatus, fileStatus, hasAccessList, readLink } from "./files.ts";
import { libc } from "./libc.ts";

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Why others can change what is at a path. */
export interface PathFault {
  readonly what: string;
  readonly remedy: string;
}

const STICKY = 0o1000;
const WORLD_WRITABLE = 0o002;
const GROUP_WRITABLE = 0o020;
/** path_resolution(7). */
const LINKS_MAX = 40;

/** Returns the user this process runs as. */
export function thisUser(): User {
  return { uid: libc.geteuid(), gid: libc.getegid() };
}

/**
 * Returns why others than root and `user` can change what is at `path`, or put something else
 * there; null where they cannot. A missing place counts as its folder does.
 */
export function pathFault(path: string, user: User): PathFault | null {
  const places = wayTo(path);
  const target = places.at(-1);
  return firstFault(places, path, (place) => faultOf(place, user, place === target));
}

/** Does the same for the folder of a socket, where others may have sockets of their own. */
export function socketFolderFault(path: string, user: User): PathFault | null {
  const folder = dirname(path);
  const places = wayTo(folder);
  if (places.at(-1)?.status === undefined) {
    return {
      what: `The directory ${folder} is not there`,
      remedy: "Make it, owned by this user, with mode 0755",
    };
  }
  return firstFault(places, path, (place) => faultOf(place, user, false));
}

/** Throws a StartupError for a fault. */
export function requireNoFault(fault: PathFault | null): void {
  if (fault !== null) throw new StartupError(fault.what, fault.remedy);
}

interface Place {
  readonly path: string;
  /** undefined: nothing is there. */
  readonly status: FileStatus | undefined;
}

/** Lists the places that the kernel passes on its way to `path`, up to the first missing one. */
function wayTo(path: string): Place[] {
  const places: Place[] = [{ path: "/", status: fileStatus("/") }];
  const parts = partsOf(path);
  let folder = "/";
  let links = 0;
  for (let part; (part = parts.shift()) !== undefined;) {
    const next = join(folder, part);
    const status = fileStatus(next);
    places.push({ path: next, status });
    if (status === undefined) break;
    if (status.kind !== "link") {
      folder = next;
      continue;
    }
    if (++links > LINKS_MAX) {
      throw new StartupError(`${path} goes through too many links`, "Name it without them");
    }
    const target = readLink(next);
    if (target.startsWith("/")) folder = "/";
    parts.unshift(...partsOf(target));
  }
  return places;
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

type Fault = readonly [what: string, remedy: string];

function firstFault(
  places: readonly Place[],
  path: string,
  faultOf: (place: Place) => Fault | null,
): PathFault | null {
  for (const place of places) {
    const [what, remedy] = faultOf(place) ?? [];
    if (what === undefined || remedy === undefined) continue;
    const where = place.path === path ? path : `${place.path}, on the way to ${path},`;
    return { what: `${where} ${what}`, remedy: `${remedy} ${place.path}` };
  }
  return null;
}

/** In a sticky folder nobody but its owner can rename what is there; a target has to be closed. */
function faultOf({ path, status }: Place, { uid, gid }: User, isTarget: boolean): Fault | null {
  if (status === undefined) return null;
  if (status.uid !== 0 && status.uid !== uid) return ["belongs to another user", "chown root"];
  // A link's own mode says nothing.
  if (status.kind === "link") return null;
  if ((status.mode & STICKY) !== 0 && !isTarget) return null;
  if ((status.mode & WORLD_WRITABLE) !== 0) return ["is writable for everyone", "chmod o-w"];
  if ((status.mode & GROUP_WRITABLE) === 0) return null;
  if (status.gid !== 0 && status.gid !== gid) return ["is writable for another group", "chmod g-w"];
  // The group's bits are then the most that any entry of the list grants (acl(5)).
  return hasAccessList(path)
    ? ["has a list of others who may write", "setfacl --remove-all"]
    : null;
}
