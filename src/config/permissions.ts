/**
 * The runtime's permissions for a daemon whose configuration is known: what it is configured to touch, and nothing else.
 *
 * Invariants: no network at all (sockets are bound through the C library and adopted as descriptors), no program but a
 * configured checkpoint command (executors are started through the C library as well), no file outside of the lists below. FFI
 * has no list, because reading errno through a pointer takes it whole, and a list that names the C library would forbid
 * nothing. So these permissions hold our own code and its dependencies to their business; they are no boundary against a
 * daemon that was taken over.
 */

import { folderOf } from "../core/path.ts";
import type { Config } from "./config.ts";
import { SYSTEM_CONFIG } from "./defaults.ts";
import { ENVIRONMENT_NAMES } from "./environment.ts";

/** Absolute paths; os/program.ts has them. */
export interface ProgramFiles {
  /** Of openexec's own files. */
  readonly root: string;
  /** Of the packages, which npm may have hoisted out of our folder. */
  readonly packages: string;
}

/**
 * What is asked of the system: by lmdb when it is loaded (processors, interfaces, host name), for the clock that nobody can
 * set, for free space, and for the user the daemon runs as.
 */
const SYSTEM_CALLS = ["cpus", "hostname", "networkInterfaces", "osUptime", "statfs", "uid"];

/** Flags for `deno run`, one per kind of permission. `credentials` is $CREDENTIALS_DIRECTORY: keys are looked for there. */
export function permissionFlags(
  config: Config,
  program: ProgramFiles,
  credentials: string | null,
): readonly string[] {
  const command = config.checkpoints.command?.[0];
  const readable = [...readableBy(config, program), ...(credentials === null ? [] : [credentials])];
  return [
    `--allow-read=${list(readable)}`,
    `--allow-write=${list(writable(config))}`,
    `--allow-env=${
      list([
        ...ENVIRONMENT_NAMES,
        ...actions(config).flatMap(({ allow }) => allow.env),
      ])
    }`,
    // anything else a package asks for reads as unset
    "--ignore-env",
    `--allow-sys=${list(SYSTEM_CALLS)}`,
    ...(command === undefined ? [] : [`--allow-run=${list([command])}`]),
    "--allow-ffi",
  ];
}

function readableBy(config: Config, { root, packages }: ProgramFiles): string[] {
  return [
    root,
    packages,
    // where there is none, the daemon looks again, and a reload tells of one
    config.path ?? SYSTEM_CONFIG,
    ...actions(config).flatMap(({ module, secrets }) => [
      ...("file" in module ? [module.file] : []),
      ...secrets.values(),
    ]),
    ...writable(config),
  ];
}

/** Files that are replaced in one step need their folder, where the new one is written first. */
function writable({ stateDir, anchor, checkpoints, sockets }: Config): string[] {
  const replaced = [anchor, checkpoints.file].filter((path) => path !== null);
  return [
    stateDir,
    ...replaced.map((path) => folderOf(path)),
    ...sockets.map(({ path }) => path),
  ];
}

function actions({ actions }: Config) {
  return [...actions.values()];
}

/** Deno splits at commas and reads a doubled one as part of a value. */
function list(values: readonly string[]): string {
  return [...new Set(values)].map((value) => value.replaceAll(",", ",,")).join(",");
}
