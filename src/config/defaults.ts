/**
 * Values for what a file leaves out, and the embedded default for a file that is not there: an
 * empty file and one approver, whose key the daemon makes on first start.
 *
 * The same user's agents can read that key, so it does not prove who approved. The daemon says so
 * wherever this default is used (`Config.developmentApprover`).
 */

import { basename, dirname, join } from "node:path";
import type { Mode, Role } from "../core/types.ts";
import type { ApproverConfig, SocketConfig } from "./config.ts";
import { ConfigError } from "./config_error.ts";
import type { Environment } from "./environment.ts";

/** Read where neither --config nor $OPENEXEC_CONFIG names a file. */
export const SYSTEM_CONFIG = "/etc/openexec/openexec.toml";

/** The sockets of the shipped unit, for those who may connect and not read the configuration. */
export const SYSTEM_SOCKETS: Readonly<Record<Role, string>> = {
  agent: "/run/openexec/agent.sock",
  approver: "/run/openexec/review.sock",
  admin: "/run/openexec/admin.sock",
};

/** Handlers that are our own code; actions/builtin/ holds one for each. */
export const BUILTINS: readonly string[] = ["echo", "add"];

/** Name of the approver of the embedded default. */
export const DEVELOPMENT_APPROVER = "development";
/** The keyid of its first key. */
export const DEVELOPMENT_KEYID = "development-1";
/** That key's file in the state directory. */
export const DEVELOPMENT_KEY_FILE = "approver.key";

/** Where systemd puts the service's credentials, for commands that run outside of the service. */
export const SERVICE_CREDENTIALS = "/run/credentials/openexec.service";

/** Where LoadCredential= of the service looks, in this order: systemd.exec(5). */
export const CREDENTIAL_STORES: readonly string[] = [
  "/etc/credstore",
  "/run/credstore",
  "/usr/lib/credstore",
];

const DEVELOPMENT_TTL_SECONDS = 15 * 60;

/** The public half of the key that the embedded default's approver signs with. */
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
    groups: new Set(),
    keys: [{ kind: "ed25519", keyid, publicKey, notBefore: null, notAfter: null }],
  };
}

/** XDG Base Directory Specification 0.8. Throws a ConfigError when no variable says where. */
export function defaultStateDir({ xdgStateHome, home }: Environment): string {
  return xdgStateHome === null
    ? join(home ?? homeless("state_dir"), ".local/state/openexec")
    : join(xdgStateHome, "openexec");
}

/** Throws a ConfigError when no variable says where. */
export function defaultAgentSocket({ xdgRuntimeDir, home }: Environment): string {
  return xdgRuntimeDir === null
    ? join(home ?? homeless("sockets"), ".openexec/run/agent.sock")
    : join(xdgRuntimeDir, "openexec/agent.sock");
}

function homeless(key: string): never {
  const message =
    `not set, so there is no default for ${key}; set HOME, or ${key} in a configuration file`;
  throw new ConfigError([{ source: "HOME", line: null, key: "", message }]);
}

/** An agent socket; a review socket, where there is something to decide; an admin socket. */
export function defaultSockets(agent: string, mode: Mode): readonly SocketConfig[] {
  const socket = (path: string, role: Role): SocketConfig => ({
    path,
    mode: 0o600,
    group: null,
    role,
    actions: null,
    uids: null,
  });
  return [
    socket(agent, "agent"),
    ...(mode === "demo" ? [] : [socket(beside(agent, "review"), "approver")]),
    socket(beside(agent, "admin"), "admin"),
  ];
}

/** Gives `admin.sock` for `agent.sock` and `x.admin.sock` for `x.sock`: daemons share folders. */
function beside(agent: string, kind: "admin" | "review"): string {
  const name = basename(agent);
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  return join(dirname(agent), stem === "agent" ? `${kind}${ending}` : `${stem}.${kind}${ending}`);
}
