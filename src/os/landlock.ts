/**
 * Landlock (landlock(7)): takes rights to files, TCP ports, signals and abstract sockets away from
 * the calling thread and from all that it starts or becomes, for good.
 *
 * Invariant: every right that the kernel knows and this file names is taken; what a rule gives back
 * is no more than it says.
 */

import { StartupError } from "../core/startup_error.ts";
import {
  cString,
  EACCES,
  EINVAL,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOSYS,
  ENOTDIR,
  errno,
  errorText,
  libc,
  O_CLOEXEC,
} from "./libc.ts";

/** Rights to files, as bits of linux/landlock.h. */
export const FILE_RIGHTS = {
  execute: 1 << 0,
  writeFile: 1 << 1,
  readFile: 1 << 2,
  readDir: 1 << 3,
  removeDir: 1 << 4,
  removeFile: 1 << 5,
  makeDir: 1 << 7,
  makeReg: 1 << 8,
  refer: 1 << 13,
  truncate: 1 << 14,
} as const;

/** A file, or a folder and all that is in it. */
export interface PathRule {
  /** Absolute; links are followed. Nothing is given where it leads nowhere. */
  readonly path: string;
  readonly rights: number;
  /** Leads there instead of the path, where it was opened before: openPath(). */
  readonly descriptor?: number;
}

export interface Ruleset {
  readonly paths: readonly PathRule[];
  /** null: any port. */
  readonly connect: readonly number[] | null;
  readonly bind: readonly number[] | null;
}

/** Rights that a file can have which is no folder. */
const OF_FILES = FILE_RIGHTS.execute | FILE_RIGHTS.writeFile | FILE_RIGHTS.readFile |
  FILE_RIGHTS.truncate;

/** The same numbers on every architecture (Linux 5.13). */
const CREATE_RULESET = 444n;
const ADD_RULE = 445n;
const RESTRICT_SELF = 446n;
const VERSION = 1;
const PATH_BENEATH = 1;
const NET_PORT = 2;
const BIND_TCP = 1n;
const CONNECT_TCP = 2n;
/** Abstract Unix sockets and signals. */
const SCOPES = 3n;

/** How many rights to files each version knows, from version 1 on. */
const FILE_RIGHTS_KNOWN: readonly number[] = [13, 14, 15, 15, 16];
const NET_SINCE = 4;
const SCOPES_SINCE = 6;

/** The version that everything above needs. */
export const LANDLOCK_VERSION_NEEDED = SCOPES_SINCE;

/** The kernel's version of Landlock; 0 where it has none, or it is switched off. */
export function landlockVersion(): number {
  const version = libc.landlock_create_ruleset(CREATE_RULESET, null, 0n, VERSION);
  return version < 0n ? 0 : Number(version);
}

/**
 * Leaves the calling thread with what `ruleset` gives, as far as the kernel's version goes. To be
 * called after PR_SET_NO_NEW_PRIVS. Throws an Error.
 */
export function restrictThread(ruleset: Ruleset): void {
  const version = landlockVersion();
  if (version === 0) throw new Error(`there is no Landlock: ${errorText(ENOSYS)}`);
  const descriptor = createRuleset(ruleset, version);
  try {
    for (const rule of ruleset.paths) addPath(descriptor, rule, filesHandled(version));
    if (version >= NET_SINCE) {
      for (const port of ruleset.connect ?? []) addPort(descriptor, port, CONNECT_TCP);
      for (const port of ruleset.bind ?? []) addPort(descriptor, port, BIND_TCP);
    }
    must(libc.landlock_restrict_self(RESTRICT_SELF, descriptor, 0), "enforced");
  } finally {
    libc.close(descriptor);
  }
}

/** All of them: what no rule gives is refused. */
function filesHandled(version: number): bigint {
  const known = FILE_RIGHTS_KNOWN[version - 1] ?? FILE_RIGHTS_KNOWN.at(-1) ?? 0;
  return (1n << BigInt(known)) - 1n;
}

/** struct landlock_ruleset_attr, as long as the version knows it. */
function createRuleset({ connect, bind }: Ruleset, version: number): number {
  const net = (connect === null ? 0n : CONNECT_TCP) | (bind === null ? 0n : BIND_TCP);
  const attribute = new BigUint64Array([
    filesHandled(version),
    ...(version >= NET_SINCE ? [net] : []),
    ...(version >= SCOPES_SINCE ? [SCOPES] : []),
  ]);
  const { landlock_create_ruleset } = libc;
  const size = BigInt(attribute.byteLength);
  return Number(must(landlock_create_ruleset(CREATE_RULESET, attribute, size, 0), "made"));
}

const O_PATH = 0o10000000;

/** Why nothing is at a path, or nothing that this user reaches. */
const NOTHING_THERE = [ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG];

/**
 * Holds on to what is at a path now, whatever becomes of the path; null where nothing is. Throws a
 * StartupError where it cannot be known: what is left out now is left out for good.
 */
export function openPath(path: string): number | null {
  const descriptor = libc.open(cString(path), O_PATH | O_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  const code = errno();
  if (NOTHING_THERE.includes(code)) return null;
  throw new StartupError(
    `${path} cannot be opened: ${errorText(code)}`,
    "Make it reachable or permit it no more, and let the machine have descriptors to spare",
  );
}

/** Lets go of it. */
export function closePath(descriptor: number): void {
  libc.close(descriptor);
}

/** struct landlock_path_beneath_attr, which is packed. */
function addPath(ruleset: number, { path, rights, descriptor }: PathRule, handled: bigint): void {
  const parent = descriptor ?? openPath(path);
  if (parent === null) return; // a path that this user cannot reach needs no rule
  const add = (allowed: number): bigint => {
    const attribute = new DataView(new ArrayBuffer(12));
    attribute.setBigUint64(0, BigInt(allowed) & handled, true);
    attribute.setInt32(8, parent, true);
    const bytes = new Uint8Array(attribute.buffer);
    return libc.landlock_add_rule(ADD_RULE, ruleset, PATH_BENEATH, bytes, 0);
  };
  try {
    const added = add(rights);
    // rights to what is in a folder cannot be given to a file
    if (added < 0n && errno() === EINVAL) must(add(rights & OF_FILES), `extended by ${path}`);
    else must(added, `extended by ${path}`);
  } finally {
    if (descriptor === undefined) closePath(parent);
  }
}

/** struct landlock_net_port_attr. */
function addPort(ruleset: number, port: number, right: bigint): void {
  const attribute = new BigUint64Array([right, BigInt(port)]);
  const { landlock_add_rule } = libc;
  must(landlock_add_rule(ADD_RULE, ruleset, NET_PORT, attribute, 0), `extended by port ${port}`);
}

function must(result: bigint, what: string): bigint {
  if (result < 0n) throw new Error(`the ruleset cannot be ${what}: ${errorText(errno())}`);
  return result;
}
