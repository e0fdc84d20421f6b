/**
 * From settings as they were written to the configuration as the rest of openexec sees it.
 *
 * Options go before variables, variables before the file, and the file before defaults.
 */

import { dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { presentationOf } from "../core/presentation.ts";
import type { SeatsNeeded } from "../core/approvers_needed.ts";
import type { Mode } from "../core/types.ts";
import { actionSchema, type ActionSettings } from "./action_schema.ts";
import { approverKeys } from "./approver_keys.ts";
import type {
  ActionConfig,
  ApproverConfig,
  Config,
  Limits,
  Retention,
  SocketConfig,
} from "./config.ts";
import type { NoteProblem } from "./config_error.ts";
import {
  BUILTINS,
  defaultAgentSocket,
  defaultSockets,
  defaultStateDir,
  DEVELOPMENT_KEY_FILE,
  SERVICE_CREDENTIALS,
} from "./defaults.ts";
import type { Environment } from "./environment.ts";
import { applyLegacyEnvironment, type Overridable } from "./legacy_environment.ts";
import type { ApproverSettings, Settings, SocketSettings } from "./schema.ts";

/** Settings from the command line. */
export interface Overrides {
  readonly state: string | null;
  readonly socket: string | null;
  readonly mode: Mode | null;
}

/** Everything beside the file that decides on the configuration. */
export interface ResolveContext {
  /** The configuration file, absolute, or null for the embedded default. */
  readonly file: string | null;
  readonly environment: Environment;
  readonly overrides: Overrides;
  /** Absolute; options and variables are relative to it. */
  readonly cwd: string;
}

/**
 * Notes contradictions between file, options and variables. Throws a ConfigError where nothing says
 * where a path is.
 */
export function resolveSettings(
  settings: Settings,
  context: ResolveContext,
  note: NoteProblem,
): Config {
  const { file, environment } = context;
  const absolute = (path: string): string => resolve(dirname(file ?? "/"), path);
  const { mode, clawshield, allowedActions } = applyLegacyEnvironment(
    { file, mode: writtenMode(settings, context), clawshield: settings.clawshield },
    environment.openexec,
    note,
  );
  const stateDir = stateDirOf(settings, context, absolute);
  const { anchor, checkpoints } = settings;
  return {
    path: file,
    executorId: settings.executor_id ?? null,
    mode,
    tenant: settings.tenant ?? null,
    stateDir,
    anchor: anchor === undefined ? null : absolute(anchor),
    sockets: socketsOf(settings, context, absolute, mode),
    approvers: settings.approvers.map((approver, index) => approverOf(approver, index, note)),
    // no key is made where the file names approvers, and none where approvals are not read
    developmentApprover: file === null && mode === "enforced" && clawshield === null
      ? join(stateDir, DEVELOPMENT_KEY_FILE)
      : null,
    actions: actionsOf(settings, environment, absolute),
    clawshield,
    allowedActions,
    retention: { payloadMs: settings.retention.payload, resultMs: settings.retention.result },
    limits: limitsOf(settings),
    box: settings.box,
    checkpoints: {
      file: checkpoints.file === undefined ? null : absolute(checkpoints.file),
      command: checkpoints.command ?? null,
      intervalMs: checkpoints.interval,
    },
    proposals: {
      expiresMs: settings.proposals.expires,
      perUid: settings.proposals.per_uid,
      total: settings.proposals.total,
      perMinute: settings.proposals.per_minute,
      declineCooldownMs: settings.proposals.decline_cooldown,
    },
    notify: { command: settings.notify.command ?? null },
  };
}

function writtenMode({ mode }: Settings, { file, overrides }: ResolveContext): Overridable["mode"] {
  if (overrides.mode !== null) return { value: overrides.mode, source: "--mode" };
  return file === null ? null : { value: mode, source: file };
}

/** Makes a path of the file absolute. */
type Absolute = (path: string) => string;

function stateDirOf(settings: Settings, context: ResolveContext, absolute: Absolute): string {
  const { environment, overrides, cwd } = context;
  const override = overrides.state ?? environment.stateDir;
  if (override !== null) return resolve(cwd, override);
  return settings.state_dir === undefined
    ? defaultStateDir(environment)
    : absolute(settings.state_dir);
}

/** An overriding path is for the first agent socket, or for the first one where there is none. */
function socketsOf(
  { sockets }: Settings,
  { environment, overrides, cwd }: ResolveContext,
  absolute: Absolute,
  mode: Mode,
): readonly SocketConfig[] {
  const override = overrides.socket ?? environment.socket;
  const path = override === null ? null : resolve(cwd, override);
  if (sockets === undefined) {
    return defaultSockets(path ?? defaultAgentSocket(environment), mode);
  }
  const overridden = Math.max(0, sockets.findIndex((socket) => socket.role === "agent"));
  return sockets.map((socket, index) =>
    socketOf(socket, index === overridden && path !== null ? path : absolute(socket.path))
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

function approverOf(
  { name, actions, max_ttl, groups, keys }: ApproverSettings,
  index: number,
  note: NoteProblem,
): ApproverConfig {
  return {
    name,
    actions: new Set(actions),
    maxTtlSeconds: max_ttl / 1000,
    groups: new Set(groups),
    keys: approverKeys(keys, ["approvers", index, "keys"], note),
  };
}

function limitsOf({ limits }: Settings): Limits {
  return {
    requestBytes: limits.request_bytes,
    resultBytes: limits.result_bytes,
    inFlight: limits.in_flight,
    inFlightPerUid: limits.in_flight_per_uid,
    requestsPerSecond: limits.requests_per_second,
    refusalReceiptsPerMinute: limits.refusal_receipts_per_minute,
    refusalReceiptsPerDay: limits.refusal_receipts_per_day,
    connections: limits.connections,
    connectionsPerUid: limits.connections_per_uid,
    heldBytes: limits.held_bytes,
    heldBytesPerUid: limits.held_bytes_per_uid,
    headerMs: limits.header_timeout,
    bodyMs: limits.body_timeout,
    bodyIdleMs: limits.body_idle_timeout,
    drainMs: limits.drain,
  };
}

/** Executions at a time of a handler in a file, each in a process of its own. */
const FILE_CONCURRENCY = 4;

const BUILTIN_PREFIX = "builtin:";

/** The registered actions; without any in the file, the built-ins under their own names. */
function actionsOf(
  settings: Settings,
  { systemd }: Environment,
  absolute: Absolute,
): ReadonlyMap<string, ActionConfig> {
  const credentials = systemd.credentialsDirectory ?? SERVICE_CREDENTIALS;
  const actions = settings.actions === undefined
    ? BUILTINS.map((name) =>
      [name, v.parse(actionSchema, { module: BUILTIN_PREFIX + name })] as const
    )
    : Object.entries(settings.actions);
  return new Map(actions.map(([name, action]) => [name, {
    ...actionOf(name, action, settings.limits.in_flight, absolute),
    secrets: secretsOf(action.secrets, absolute, credentials),
  }]));
}

function actionOf(
  name: string,
  action: ActionSettings,
  inFlight: number,
  absolute: Absolute,
): Omit<ActionConfig, "secrets"> {
  const builtin = action.module.startsWith(BUILTIN_PREFIX);
  return {
    name,
    module: builtin
      ? { builtin: action.module.slice(BUILTIN_PREFIX.length) }
      : { file: absolute(action.module) },
    presentation: presentationOf(action),
    fields: new Map(Object.entries(action.fields)),
    digest: action.digest ?? null,
    ...seatsOf(action.approvals),
    require: action.require,
    timeoutMs: action.timeout,
    concurrency: action.concurrency ?? (builtin ? inFlight : FILE_CONCURRENCY),
    isolation: action.isolation ?? (builtin ? "reuse" : "fresh"),
    idempotent: action.idempotent,
    onInterrupt: action.on_interrupt,
    allow: {
      net: action.allow.net,
      read: action.allow.read.map((path) => resolve(path)),
      write: action.allow.write.map((path) => resolve(path)),
      env: action.allow.env,
      run: action.allow.run.map((path) => resolve(path)),
      unix: action.allow.unix.map((path) => resolve(path)),
    },
    unconfined: action.unconfined,
    memoryBytes: action.memory,
    retention: retentionOf(action.retention),
  };
}

function seatsOf(approvals: ActionSettings["approvals"]): SeatsNeeded {
  if (typeof approvals === "number") return { approvals, groups: new Map() };
  const groups = new Map(Object.entries(approvals));
  return { approvals: [...groups.values()].reduce((sum, count) => sum + count, 0), groups };
}

function secretsOf(
  secrets: ActionSettings["secrets"],
  absolute: Absolute,
  credentials: string,
): ReadonlyMap<string, string> {
  return Array.isArray(secrets)
    ? new Map(secrets.map((name) => [name, join(credentials, name)]))
    : new Map(Object.entries(secrets).map(([name, path]) => [name, absolute(path)]));
}

function retentionOf({ payload, result }: ActionSettings["retention"]): Partial<Retention> {
  return {
    ...(payload === undefined ? {} : { payloadMs: payload }),
    ...(result === undefined ? {} : { resultMs: result }),
  };
}
