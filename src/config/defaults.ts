/**
 * What stands for everything that a file leaves out, and for the file itself: the embedded default is an empty file and one
 * approver whose key the daemon makes on first start.
 *
 * That key lies where the same user's agents can read it, so it proves nothing about who approved: whoever uses this
 * default is told so (`Config.developmentApprover`).
 */

import { folderOf, joinPath, nameOf } from "../core/path.ts";
import type { ApproverConfig, SocketConfig } from "./config.ts";
import { ConfigError } from "./config_error.ts";
import type { Environment } from "./environment.ts";

/** Read where neither --config nor $OPENEXEC_CONFIG names a file. */
export const SYSTEM_CONFIG = "/etc/openexec/openexec.toml";

/** Handlers that are our own code; actions/builtin/ holds one for each. */
export const BUILTINS: readonly string[] = ["echo", "add"];

/** Name of the approver of the embedded default, the keyid of its first key, and that key's file in the state directory. */
export const DEVELOPMENT_APPROVER = "development";
export const DEVELOPMENT_KEYID = "development-1";
export const DEVELOPMENT_KEY_FILE = "approver.key";

/** Where systemd puts the credentials of the unit openexec.service: for commands that run outside of it. */
export const SERVICE_CREDENTIALS = "/run/credentials/openexec.service";

const DEVELOPMENT_TTL_SECONDS = 15 * 60;

/** The public half of the development approver's key. */
export interface DevelopmentKey {
  readonly keyid: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

export function developmentApprover({ keyid, publicKey }: DevelopmentKey): ApproverConfig {
  return {
    name: DEVELOPMENT_APPROVER,
    actions: new Set(["*"]),
    maxTtlSeconds: DEVELOPMENT_TTL_SECONDS,
    keys: [{ keyid, publicKey, notBefore: null, notAfter: null }],
  };
}

/** XDG Base Directory Specification 0.8. Throws a ConfigError when no variable says where. */
export function defaultStateDir({ xdgStateHome, home }: Environment): string {
  return xdgStateHome === null
    ? joinPath(home ?? homeless("state_dir"), ".local/state/openexec")
    : joinPath(xdgStateHome, "openexec");
}

/** Throws a ConfigError when no variable says where. */
export function defaultAgentSocket({ xdgRuntimeDir, home }: Environment): string {
  return xdgRuntimeDir === null
    ? joinPath(home ?? homeless("sockets"), ".openexec/run/agent.sock")
    : joinPath(xdgRuntimeDir, "openexec/agent.sock");
}

function homeless(key: string): never {
  const message =
    `not set, so there is no default for ${key}; set HOME, or ${key} in a configuration file`;
  throw new ConfigError([{ source: "HOME", line: null, key: "", message }]);
}

/** An agent socket and an admin socket beside it. */
export function defaultSockets(agent: string): readonly SocketConfig[] {
  const rest = { mode: 0o600, group: null, actions: null, uids: null };
  return [{ ...rest, path: agent, role: "agent" }, {
    ...rest,
    path: adminSocketBeside(agent),
    role: "admin",
  }];
}

/** `agent.sock` has `admin.sock`; `x.sock` has `x.admin.sock`, so that daemons may share a folder. */
function adminSocketBeside(agent: string): string {
  const name = nameOf(agent);
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  return joinPath(folderOf(agent), stem === "agent" ? `admin${ending}` : `${stem}.admin${ending}`);
}
