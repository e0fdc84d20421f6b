/**
 * The runtime's permissions for a daemon whose configuration is known: what it is configured to
 * touch, and nothing else.
 *
 * Invariants:
 * - No network at all: sockets are bound through the C library and adopted as descriptors.
 * - No program but the configured commands for checkpoints and notifications: the C library starts
 *   executors as well.
 * - No file outside of the lists below, each by its path as written and by the one that links lead
 *   to: an open file is looked at by the second.
 *
 * FFI has no list: reading errno through a pointer needs the whole permission, and a list that
 * names the C library would forbid nothing. These permissions therefore hold our own code and its
 * dependencies to their business. They are no boundary against a daemon that was taken over.
 */

import { dirname } from "node:path";
import { StartupError } from "../core/startup_error.ts";
import type { Config } from "./config.ts";
import { SYSTEM_CONFIG } from "./defaults.ts";
import { ENVIRONMENT_NAMES } from "./environment.ts";
import { formsOf, type RealPath } from "./overlaps.ts";

/** Absolute paths of our own files; os/program.ts has them. */
export interface ProgramFiles {
  /** The folder of openexec's own files. */
  readonly root: string;
  /** The folder of the packages, which npm may have hoisted out of ours. */
  readonly packages: string;
}

/**
 * Questions to the system: lmdb asks for processors, interfaces and host name when it is loaded,
 * and we ask for free space and for the daemon's user.
 */
const SYSTEM_CALLS = ["cpus", "hostname", "networkInterfaces", "statfs", "uid"];

/**
 * Flags for `deno run`, one per kind of permission. `credentials` is $CREDENTIALS_DIRECTORY, where
 * the daemon looks for keys. Throws a StartupError for a path with a comma.
 */
export function permissionFlags(
  config: Config,
  program: ProgramFiles,
  credentials: string | null,
  realPath: RealPath,
): readonly string[] {
  const programs = [config.checkpoints.command?.[0], config.notify.command?.[0]]
    .filter((path) => path !== undefined);
  const readable = [...readableBy(config, program), ...(credentials === null ? [] : [credentials])];
  return [
    `--allow-read=${paths(readable, realPath)}`,
    `--allow-write=${paths(writable(config), realPath)}`,
    `--allow-env=${
      list([
        ...ENVIRONMENT_NAMES,
        ...actions(config).flatMap(({ allow }) => allow.env),
      ])
    }`,
    // anything else a package asks for reads as unset
    "--ignore-env",
    `--allow-sys=${list(SYSTEM_CALLS)}`,
    ...(programs.length === 0 ? [] : [`--allow-run=${list(programs)}`]),
    "--allow-ffi",
  ];
}

function readableBy(config: Config, { root, packages }: ProgramFiles): string[] {
  return [
    root,
    packages,
    // a daemon without a file looks again: a reload says when there is one
    config.path ?? SYSTEM_CONFIG,
    ...actions(config).flatMap(({ module, secrets }) => [
      ...("file" in module ? [module.file] : []),
      ...secrets.values(),
    ]),
    ...writable(config),
  ];
}

/** A file that is replaced in one step needs its folder, where the new one is written first. */
function writable({ stateDir, anchor, checkpoints, sockets }: Config): string[] {
  const replaced = [anchor, checkpoints.file].filter((path) => path !== null);
  return [
    stateDir,
    ...replaced.map((path) => dirname(path)),
    ...sockets.map(({ path }) => path),
  ];
}

function actions({ actions }: Config) {
  return [...actions.values()];
}

function paths(written: readonly string[], realPath: RealPath): string {
  return list(written.flatMap((path) => formsOf(path, realPath)));
}

/** The runtime splits a list at commas and has no way to write one that belongs to a value. */
function list(values: readonly string[]): string {
  const split = values.find((value) => value.includes(","));
  if (split !== undefined) {
    throw new StartupError(
      `There is a comma in ${split}`,
      "Choose another name: the runtime can be given no permission for this one",
    );
  }
  return [...new Set(values)].join(",");
}
