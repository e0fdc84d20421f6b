/**
 * From settings as they were written to the configuration as the rest of openexec sees it: absolute paths, and options
 * before variables before the file before defaults.
 */

import { folderOf, joinPath, resolvePath } from "../core/path.ts";
import type { Mode } from "../core/types.ts";
import type { ApproverConfig, Config, Limits, SocketConfig } from "./config.ts";
import {
  defaultAgentSocket,
  defaultSockets,
  defaultStateDir,
  DEVELOPMENT_KEY_FILE,
} from "./defaults.ts";
import type { Environment } from "./environment.ts";
import { resolveActions } from "./resolve_action.ts";
import type { ApproverSettings, SocketSettings } from "./access_schema.ts";
import type { Settings } from "./schema.ts";
import { type Report, tighten } from "./legacy_environment.ts";

/** What the command line says. */
export interface Overrides {
  readonly state: string | null;
  readonly socket: string | null;
  readonly mode: Mode | null;
}

export interface Circumstances {
  /** The configuration file, absolute, or null for the embedded default. */
  readonly file: string | null;
  readonly environment: Environment;
  readonly overrides: Overrides;
  /** Absolute; options and variables are relative to it. */
  readonly cwd: string;
}

/** Contradictions between file, options and variables are reported. Throws a ConfigError where no path can be had. */
export function resolveSettings(
  settings: Settings,
  circumstances: Circumstances,
  report: Report,
): Config {
  const { file, environment } = circumstances;
  const absolute = (path: string): string => resolvePath(folderOf(file ?? "/"), path);
  const said = { mode: modeSaid(settings, circumstances), clawshield: settings.clawshield };
  const { mode, clawshield, allowedActions } = tighten(said, environment.openexec, report);
  const stateDir = stateDirOf(settings, circumstances, absolute);
  const limits = limitsOf(settings);
  const { anchor, checkpoints } = settings;
  return {
    path: file,
    executorId: settings.executor_id ?? null,
    mode,
    tenant: settings.tenant ?? null,
    stateDir,
    anchor: anchor === undefined ? null : absolute(anchor),
    sockets: socketsOf(settings, circumstances, absolute),
    approvers: settings.approvers.map(approverOf),
    // an approver was named, or none is read: then the daemon makes none of its own
    developmentApprover: file === null && mode === "enforced" && clawshield === null
      ? joinPath(stateDir, DEVELOPMENT_KEY_FILE)
      : null,
    actions: resolveActions(settings, {
      absolute,
      inFlight: limits.inFlight,
      credentials: environment.systemd.credentialsDirectory,
    }),
    clawshield,
    allowedActions,
    retention: { payloadMs: settings.retention.payload, resultMs: settings.retention.result },
    limits,
    checkpoints: {
      file: checkpoints.file === undefined ? null : absolute(checkpoints.file),
      command: checkpoints.command ?? null,
      intervalMs: checkpoints.interval,
    },
  };
}

function modeSaid(
  { mode }: Settings,
  { file, overrides }: Circumstances,
): { value: Mode; by: string } | null {
  if (overrides.mode !== null) return { value: overrides.mode, by: "--mode" };
  return file === null ? null : { value: mode, by: file };
}

type Absolute = (path: string) => string;

function stateDirOf(settings: Settings, circumstances: Circumstances, absolute: Absolute): string {
  const { environment, overrides, cwd } = circumstances;
  const override = overrides.state ?? environment.stateDir;
  if (override !== null) return resolvePath(cwd, override);
  return settings.state_dir === undefined
    ? defaultStateDir(environment)
    : absolute(settings.state_dir);
}

/** An overriding path is that of the first agent socket. */
function socketsOf(
  { sockets }: Settings,
  { environment, overrides, cwd }: Circumstances,
  absolute: Absolute,
): readonly SocketConfig[] {
  const override = overrides.socket ?? environment.socket;
  const path = override === null ? null : resolvePath(cwd, override);
  if (sockets === undefined) return defaultSockets(path ?? defaultAgentSocket(environment));
  const firstAgent = Math.max(0, sockets.findIndex((socket) => socket.role === "agent"));
  return sockets.map((socket, index) =>
    socketOf(socket, index === firstAgent && path !== null ? path : absolute(socket.path))
  );
}

function socketOf(
  { mode, group, role, actions, uids }: SocketSettings,
  path: string,
): SocketConfig {
  return {
    path,
    mode,
    group: group ?? null,
    role,
    actions: actions === undefined ? null : new Set(actions),
    uids: uids === undefined ? null : new Set(uids),
  };
}

function approverOf({ name, actions, max_ttl, keys }: ApproverSettings): ApproverConfig {
  return {
    name,
    actions: new Set(actions),
    maxTtlSeconds: max_ttl / 1000,
    keys: keys.map((key) => ({
      keyid: key.keyid,
      publicKey: key.public_key,
      notBefore: key.not_before ?? null,
      notAfter: key.not_after ?? null,
    })),
  };
}

function limitsOf({ limits }: Settings): Limits {
  return {
    requestBytes: limits.request_bytes,
    resultBytes: limits.result_bytes,
    inFlight: limits.in_flight,
    requestsPerSecond: limits.requests_per_second,
    refusalReceiptsPerMinute: limits.refusal_receipts_per_minute,
    connectionsPerUid: limits.connections_per_uid,
    headerMs: limits.header_timeout,
    bodyMs: limits.body_timeout,
    drainMs: limits.drain,
  };
}
