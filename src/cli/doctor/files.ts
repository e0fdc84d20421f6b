/** Checks the configuration, and the files and folders that it names. */

import { dirname, join } from "node:path";
import type { Config, SocketConfig } from "../../config/config.ts";
import { problemText } from "../../config/config_error.ts";
import { checkPaths, type LoadedConfig } from "../../config/load.ts";
import { fileStatus, groupId, isWritableDirectory, realPath } from "../../os/files.ts";
import { program } from "../../os/program.ts";
import { type PathFault, socketFolderFault, type User } from "../../os/protected_path.ts";
import type { DaemonFlags, LocalFlags } from "../command.ts";
import { stateFiles } from "../../ledger/disk/layout.ts";
import { AS_THE_DAEMON, failed, type Finding, findingOf, ok, warning } from "./finding.ts";
import { daemonUser, ownFileFaults } from "../../daemon/own_files.ts";
import { secretWarnings, userWarnings } from "../../daemon/texts.ts";
import { type Context, findConfig } from "../context.ts";

/** `loaded` is null where the configuration does not load. */
export function checkConfiguration(
  context: Context,
  flags: LocalFlags & DaemonFlags,
): { findings: Finding[]; loaded: LoadedConfig | null } {
  try {
    const loaded = findConfig(context, flags);
    checkPaths(loaded, program.root, realPath);
    const doubts = [
      ...loaded.warnings.map((problem) =>
        warning("configuration", problemText(problem), "look at that line")
      ),
      ...[
        ...userWarnings(loaded.config, daemonUser(loaded.config).uid),
        ...secretWarnings(loaded.config),
      ].map(({ what, remedy }) => warning("advice", what, remedy)),
    ];
    return {
      findings: [ok("configuration", loaded.config.path ?? "the embedded default"), ...doubts],
      loaded,
    };
  } catch (error) {
    return { findings: findingOf("configuration", error), loaded: null };
  }
}

const OTHERS = 0o007;
const GROUP_OR_OTHERS = 0o077;

export function checkFiles(config: Config): Finding[] {
  const found = [
    () => ownFileFaults(config).map(refused),
    () => checkState(config),
    () => checkReplaced(config),
    ...config.sockets.map((socket) => () =>
      checkSocket(socket, daemonUser(config), config.path === null)
    ),
  ].flatMap((check) => {
    try {
      return check();
    } catch (error) {
      return findingOf("permissions", error);
    }
  });
  return found.length > 0
    ? found
    : [ok("permissions", "files, folders and sockets are for those they are meant for")];
}

function refused({ what, remedy }: PathFault): Finding {
  return failed("permissions", what, remedy);
}

function checkState({ stateDir, developmentApprover }: Config): Finding[] {
  const status = fileStatus(stateDir);
  if (status === undefined) {
    const above = existing(dirname(stateDir));
    return isWritableDirectory(above) ? [] : [
      failed(
        "permissions",
        `${stateDir} cannot be made in ${above}`,
        "make it, owned by the daemon's user",
      ),
    ];
  }
  if (status.uid !== Deno.uid() && Deno.uid() !== 0) {
    return [failed("permissions", `${stateDir} belongs to another user`, AS_THE_DAEMON)];
  }
  const keys = join(stateDir, "keys");
  const foreign = stateFiles(stateDir).find((path) => fileStatus(path)?.uid !== status.uid);
  return [
    ...(foreign === undefined ? [] : [
      failed(
        "permissions",
        `${foreign} belongs to another user than ${stateDir}`,
        `chown -R --reference=${stateDir} ${stateDir}`,
      ),
    ]),
    ...closed(stateDir, GROUP_OR_OTHERS, "open to others", `chmod 700 ${stateDir}`),
    ...closed(keys, GROUP_OR_OTHERS, "open to others", `chmod 700 ${keys}`),
    ...(developmentApprover === null ? [] : closed(
      developmentApprover,
      GROUP_OR_OTHERS,
      "open to others",
      `chmod 600 ${developmentApprover}`,
    )),
  ];
}

/** A file that is written beside its place and renamed needs a writable folder. */
function checkReplaced({ anchor, checkpoints }: Config): Finding[] {
  return [anchor, checkpoints.file].filter((path) => path !== null).map(dirname)
    .filter((folder) => !isWritableDirectory(realPath(folder) ?? folder))
    .map((folder) =>
      failed(
        "permissions",
        `no checkpoint can be kept in ${folder}`,
        "make it writable for the daemon's user",
      )
    );
}

function checkSocket(
  { path, group }: SocketConfig,
  user: User,
  isMadeByUs: boolean,
): Finding[] {
  const folder = dirname(path);
  if (isMadeByUs && fileStatus(folder) === undefined) return [];
  const fault = socketFolderFault(path, user);
  if (fault !== null) return [refused(fault)];
  const there = fileStatus(path);
  const isBound = there?.kind === "socket";
  return [
    ...(group !== null && groupId(group) === undefined
      ? [failed("permissions", `there is no group ${group}`, `groupadd --system ${group}`)]
      : []),
    ...(isBound
      ? closed(path, OTHERS, "open to everyone", "stop whoever made it, and start the daemon")
      : []),
    ...(there !== undefined && !isBound
      ? [
        failed(
          "permissions",
          `${path} is there and is no socket`,
          "remove it, or choose another path",
        ),
      ]
      : []),
    ...(there === undefined && !isWritableDirectory(realPath(folder) ?? folder)
      ? [
        failed(
          "permissions",
          `no socket can be made in ${folder}`,
          "make it writable for the daemon's user, or let systemd bind the socket",
        ),
      ]
      : []),
  ];
}

/** A file that is not there yet is made on the first start, with the permissions it needs. */
function closed(path: string, mask: number, fault: string, remedy: string): Finding[] {
  const status = fileStatus(path);
  if (status === undefined || status.kind === "link" || (status.mode & mask) === 0) return [];
  return [failed("permissions", `${path} is ${fault}`, remedy)];
}

/** Returns the folder itself, or the nearest one above it that exists. */
export function existing(folder: string): string {
  return fileStatus(folder) === undefined ? existing(dirname(folder)) : folder;
}
