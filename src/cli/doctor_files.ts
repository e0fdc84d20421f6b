/** The part of `openexec doctor` that looks at configuration, file permissions and keys. */

import { dirname, join } from "node:path";
import type { ApproverConfig, ApproverKey, Config } from "../config/config.ts";
import { problemText } from "../config/config_error.ts";
import { checkPaths, type LoadedConfig } from "../config/load.ts";
import { type FileStatus, fileStatus, realPath } from "../os/file_status.ts";
import { groupId } from "../os/groups.ts";
import { program } from "../os/program.ts";
import { checkSocketDirectory } from "../os/socket_directory.ts";
import type { Cli, DaemonFlags, LocalFlags } from "./command.ts";
import { failed, type Finding, findingOf, ok, warning } from "./finding.ts";
import { prudentWarnings } from "./prudence.ts";
import { findConfig } from "./surroundings.ts";

/** `loaded` is null where there is no configuration to go on with. */
export function checkConfiguration(
  cli: Cli,
  flags: LocalFlags & DaemonFlags,
): { findings: Finding[]; loaded: LoadedConfig | null } {
  try {
    const loaded = findConfig(cli, flags);
    checkPaths(loaded, program.root, realPath);
    const doubts = [
      ...loaded.warnings.map((problem) =>
        warning("configuration", problemText(problem), "look at that line")
      ),
      ...prudentWarnings(loaded.config, Deno.uid()).map(prudence),
    ];
    return {
      findings: [ok("configuration", loaded.config.path ?? "the embedded default"), ...doubts],
      loaded,
    };
  } catch (error) {
    return { findings: findingOf("configuration", error), loaded: null };
  }
}

/** Such a warning says what is so, a colon, and what to do. */
function prudence(text: string): Finding {
  const [what = "", ...remedy] = text.split(": ");
  return warning("prudence", what, remedy.join(": "));
}

const OTHERS = 0o007;
const GROUP_OR_OTHERS = 0o077;
const WRITABLE = 0o022;

export function checkFiles(config: Config): Finding[] {
  const { path, stateDir, developmentApprover, sockets } = config;
  const found = [
    ...(path === null ? [] : closed(path, WRITABLE, "writable for others than its owner", "chmod go-w")),
    ...closed(stateDir, GROUP_OR_OTHERS, "open to others", "chmod 700"),
    ...closed(join(stateDir, "keys"), GROUP_OR_OTHERS, "open to others", "chmod 700"),
    ...(developmentApprover === null
      ? []
      : closed(developmentApprover, GROUP_OR_OTHERS, "open to others", "chmod 600")),
    ...sockets.flatMap((socket) => [
      ...checkFolder(socket.path, path === null),
      ...(socket.group !== null && groupId(socket.group) === undefined
        ? [failed("permissions", `there is no group ${socket.group}`, `groupadd --system ${socket.group}`)]
        : []),
      ...closed(socket.path, OTHERS, "open to everyone", "stop whoever made it, and start the daemon"),
    ]),
  ];
  return found.length > 0
    ? found
    : [ok("permissions", "files, folders and sockets are for those they are meant for")];
}

/** What is not there yet is made on first start, with the permissions it needs. */
function closed(path: string, mask: number, fault: string, remedy: string): Finding[] {
  const status: FileStatus | undefined = fileStatus(path);
  if (status === undefined || status.kind === "link" || (status.mode & mask) === 0) return [];
  return [
    failed("permissions", `${path} is ${fault}`, remedy.startsWith("chmod") ? `${remedy} ${path}` : remedy),
  ];
}

function checkFolder(socket: string, isMadeByUs: boolean): Finding[] {
  if (isMadeByUs && fileStatus(dirname(socket)) === undefined) return [];
  try {
    checkSocketDirectory(socket);
    return [];
  } catch (error) {
    return findingOf("permissions", error);
  }
}

export function checkKeys(config: Config, nowSeconds: number): Finding[] {
  const { mode, approvers, clawshield, developmentApprover } = config;
  if (mode === "demo") {
    return [warning("keys", "demo mode needs no approvals", 'set mode = "enforced" for anything real')];
  }
  if (approvers.length === 0 && clawshield === null) {
    return [
      developmentApprover === null
        ? failed(
          "keys",
          "nobody can approve anything",
          "add an [[approvers]] table; `openexec keygen` prints its key",
        )
        : ok("keys", "an approver key is made on first start"),
    ];
  }
  const valid = approvers.filter(({ keys }) => keys.some((key) => isValid(key, nowSeconds)));
  const expired = approvers.filter((approver) => !valid.includes(approver));
  const found = [
    ...expired.map(({ name }) =>
      warning("keys", `no key of ${name} is valid now`, "give that approver a new key")
    ),
    ...unapprovable(config, valid),
  ];
  return found.length > 0
    ? found
    : [ok("keys", `${valid.length + (clawshield === null ? 0 : 1)} approvers can sign`)];
}

function isValid({ notBefore, notAfter }: ApproverKey, nowSeconds: number): boolean {
  return (notBefore ?? 0) <= nowSeconds && nowSeconds < (notAfter ?? Infinity);
}

/** Actions that fewer approvers may approve than have to. */
function unapprovable({ actions, clawshield }: Config, valid: readonly ApproverConfig[]): Finding[] {
  return [...actions.values()].flatMap(({ name, approvals }) => {
    const may = [...valid, ...(clawshield === null ? [] : [clawshield])]
      .filter(({ actions: allowed }) => allowed.has("*") || allowed.has(name));
    if (may.length >= approvals) return [];
    const detail = `${name} needs ${approvals} approvers, and ${may.length} may approve it now`;
    return [failed("keys", detail, "add approvers, or widen their actions")];
  });
}
