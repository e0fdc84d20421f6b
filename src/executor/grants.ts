/** What a configuration grants an action, in the two forms Deno takes it: flags of the process, options of its workers. */

import type { Permissions } from "../config/config.ts";
import type { WorkerPermissions } from "./protocol.ts";

export const NO_PERMISSIONS: Permissions = { net: [], read: [], write: [], env: [], run: [] };

/** What is not granted has no flag: `--no-prompt` denies it. */
export function flagsOf(permissions: Permissions): string[] {
  return (["net", "read", "write", "env", "run"] as const)
    .filter((kind) => permissions[kind].length > 0)
    .map((kind) => `--allow-${kind}=${permissions[kind].map(escapeComma).join(",")}`);
}

export function workerPermissionsOf(
  { net, read, write, env, run }: Permissions,
): WorkerPermissions {
  return { net: some(net), read: some(read), write: some(write), env: some(env), run: some(run) };
}

/** Deno would take an empty list for "all". */
function some(values: readonly string[]): string[] | false {
  return values.length > 0 ? [...values] : false;
}

/** Deno reads two commas as one that does not separate. */
function escapeComma(value: string): string {
  return value.replaceAll(",", ",,");
}
