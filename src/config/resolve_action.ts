/** One action: where its code and its secrets are, and the defaults that differ for handlers that are our own code. */

import * as v from "valibot";
import { joinPath } from "../core/path.ts";
import type { ActionConfig, Retention } from "./config.ts";
import { BUILTINS, SERVICE_CREDENTIALS } from "./defaults.ts";
import { actionSchema, type ActionSettings } from "./action_schema.ts";
import type { Settings } from "./schema.ts";

/** Handlers each in a process of their own: a few at a time, unless the file says otherwise. */
const MODULE_CONCURRENCY = 4;

const BUILTIN_PREFIX = "builtin:";

export interface ActionSurroundings {
  /** Of a path as the file writes it. */
  readonly absolute: (path: string) => string;
  readonly inFlight: number;
  /** $CREDENTIALS_DIRECTORY, or null outside of the service. */
  readonly credentials: string | null;
}

/** The registered actions; without any in the file, the built-ins under their own names. */
export function resolveActions(
  settings: Settings,
  surroundings: ActionSurroundings,
): ReadonlyMap<string, ActionConfig> {
  const written = settings.actions === undefined
    ? BUILTINS.map((name) =>
      [name, v.parse(actionSchema, { module: BUILTIN_PREFIX + name })] as const
    )
    : Object.entries(settings.actions);
  return new Map(written.map(([name, action]) => [name, actionOf(name, action, surroundings)]));
}

function actionOf(
  name: string,
  action: ActionSettings,
  { absolute, ...rest }: ActionSurroundings,
): ActionConfig {
  const builtin = action.module.startsWith(BUILTIN_PREFIX);
  return {
    name,
    module: builtin
      ? { builtin: action.module.slice(BUILTIN_PREFIX.length) }
      : { file: absolute(action.module) },
    digest: action.digest ?? null,
    approvals: action.approvals,
    timeoutMs: action.timeout,
    concurrency: action.concurrency ?? (builtin ? rest.inFlight : MODULE_CONCURRENCY),
    isolation: action.isolation ?? (builtin ? "reuse" : "fresh"),
    idempotent: action.idempotent,
    onInterrupt: action.on_interrupt,
    allow: {
      net: action.allow.net,
      read: action.allow.read.map((path) => joinPath(path)),
      write: action.allow.write.map((path) => joinPath(path)),
      env: action.allow.env,
      run: action.allow.run.map((path) => joinPath(path)),
    },
    unconfined: action.unconfined,
    secrets: secretsOf(action.secrets, absolute, rest.credentials ?? SERVICE_CREDENTIALS),
    memoryBytes: action.memory,
    retention: retentionOf(action.retention),
  };
}

function secretsOf(
  secrets: ActionSettings["secrets"],
  absolute: (path: string) => string,
  credentials: string,
): ReadonlyMap<string, string> {
  return Array.isArray(secrets)
    ? new Map(secrets.map((name) => [name, joinPath(credentials, name)]))
    : new Map(Object.entries(secrets).map(([name, path]) => [name, absolute(path)]));
}

function retentionOf({ payload, result }: ActionSettings["retention"]): Partial<Retention> {
  return {
    ...(payload === undefined ? {} : { payloadMs: payload }),
    ...(result === undefined ? {} : { resultMs: result }),
  };
}
