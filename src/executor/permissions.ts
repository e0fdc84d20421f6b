/** Turns the permissions of an action into flags of the runtime. */

import type { Permissions } from "../config/config.ts";

export const NO_PERMISSIONS: Permissions = {
  net: [],
  read: [],
  write: [],
  env: [],
  run: [],
  unix: [],
};

/**
 * A missing flag permits nothing: `--no-prompt` denies it. A Unix socket is a file to read and
 * write.
 */
export function permissionFlags({ net, read, write, env, run, unix }: Permissions): string[] {
  const kinds = { net, read: [...read, ...unix], write: [...write, ...unix], env, run };
  return Object.entries(kinds)
    .filter(([, values]) => values.length > 0)
    .map(([kind, values]) => `--allow-${kind}=${values.map(escapeComma).join(",")}`);
}

/** Deno reads two commas as one that does not separate. */
function escapeComma(value: string): string {
  return value.replaceAll(",", ",,");
}
