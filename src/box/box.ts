/**
 * From an action's permissions to what the kernel lets its executors do.
 *
 * Invariant: a box gives what the permissions name and what the runtime needs to run at all
 * (runtime_files.ts), and nothing else, as far as the kernel has the parts (kernel.ts). Hosts and
 * the paths of Unix sockets stay the runtime's business: the kernel knows ports, and all sockets or
 * none.
 */

import type { Permissions } from "../config/config.ts";
import { FILE_RIGHTS, type PathRule, type Ruleset } from "../os/landlock.ts";
import type { Entry } from "./enter.ts";
import { filterOf } from "./filter.ts";
import type { Kernel } from "./kernel.ts";
import { lookupFiles, programFiles, READ, runtimeFiles } from "./runtime_files.ts";

export interface Box {
  /**
   * Restricts the process from its start; null: all files, ports, signals and abstract sockets of
   * the daemon's user.
   */
  readonly ruleset: Ruleset | null;
  /** Taken by the executor upon itself. */
  readonly entry: Entry;
}

const WRITE = FILE_RIGHTS.writeFile | FILE_RIGHTS.truncate | FILE_RIGHTS.makeReg |
  FILE_RIGHTS.makeDir | FILE_RIGHTS.removeFile | FILE_RIGHTS.removeDir | FILE_RIGHTS.refer;

/** `ours`: paths of the program that executors run, and of what handlers import. */
export function boxOf(permissions: Permissions, ours: readonly string[], kernel: Kernel): Box {
  const hosts = permissions.net.map(hostOf);
  const named = hosts.some(({ isAddress }) => !isAddress);
  const { read, write, run, unix } = permissions;
  return {
    ruleset: kernel.landlock === 0 ? null : {
      paths: [
        ...runtimeFiles(ours),
        ...(named ? lookupFiles() : []),
        ...(run.length > 0 ? programFiles(run) : []),
        ...read.map((path): PathRule => ({ path, rights: READ })),
        ...write.map((path): PathRule => ({ path, rights: WRITE })),
      ],
      connect: portsOf(hosts),
      bind: portsOf(hosts.filter(({ isLocal }) => isLocal)),
    },
    entry: {
      parent: Deno.pid,
      spawner: Deno.pid,
      newPrivileges: false,
      filter: kernel.seccomp
        ? filterOf({
          net: hosts.length > 0,
          names: named,
          listen: hosts.some(({ isLocal }) => isLocal),
          unix: unix.length > 0,
          write: write.length > 0,
          run: run.length > 0,
        }, Deno.build.arch)
        : null,
    },
  };
}

/** The same process without a box, for an action whose operator says `unconfined`. */
export function noBox(): Box {
  return {
    ruleset: null,
    entry: { parent: Deno.pid, spawner: Deno.pid, newPrivileges: true, filter: null },
  };
}

/** null where one of them may be reached at any port. */
function portsOf(hosts: readonly Host[]): number[] | null {
  const ports = hosts.map(({ port }) => port);
  return ports.every((port) => port !== null) ? ports : null;
}

/** The parts of a `net` permission, such as `api.example.com:443` or `[::1]`. */
interface Host {
  /** null: any. */
  readonly port: number | null;
  /** Whether it is an address, so that no name has to be looked up. */
  readonly isAddress: boolean;
  /** Whether it is this machine, so that a listener may be meant. */
  readonly isLocal: boolean;
}

const LOCAL = /^(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\])$/i;
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[.*\])$/;

/** `entry` has the form that the configuration accepts. */
export function hostOf(entry: string): Host {
  const [, host = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [];
  return {
    port: port === undefined ? null : Number(port),
    isAddress: ADDRESS.test(host),
    isLocal: LOCAL.test(host),
  };
}
