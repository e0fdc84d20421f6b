/** How an executor is started: the runtime's flags, and all of its environment. */

import { join } from "node:path";
import type { Permissions } from "../config/config.ts";
import type { ChildOrder } from "../os/child_process.ts";
import { program } from "../os/program.ts";
import { flagsOf } from "./grants.ts";
import type { ExecutorLayout } from "./layout.ts";

const MEBIBYTE = 1024 * 1024;

export interface Rights {
  readonly permissions: Permissions;
  readonly memoryBytes: number;
}

/** `variable`: one of the daemon's environment, for what is granted it. */
export function executorOrder(
  { importMap, copies, entry }: ExecutorLayout,
  { permissions, memoryBytes }: Rights,
  variable: (name: string) => string | undefined,
): ChildOrder {
  return {
    path: program.runtime,
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-config",
      "--no-lock",
      "--no-remote",
      "--no-npm",
      "--unstable-worker-options",
      `--import-map=${importMap}`,
      `--v8-flags=--max-old-space-size=${Math.ceil(memoryBytes / MEBIBYTE)}`,
      "--allow-ffi", // for the first moment of the process's own thread: child/main.ts gives it up again
      ...flagsOf({ ...permissions, read: [...permissions.read, ...copies.values()] }),
      entry,
    ],
    environment: environmentOf(permissions, entry, variable),
  };
}

/** An environment variable that every executor has. */
export const VARIABLE = "DENO_DIR";

/**
 * DENO_DIR is inside of a file and thus nowhere: the runtime would keep code there, and whatever a handler gives to the
 * Cache API, which needs no permission.
 */
function environmentOf(
  { env }: Permissions,
  entry: string,
  variable: (name: string) => string | undefined,
): Record<string, string> {
  const ours = { [VARIABLE]: join(entry, "nowhere"), NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  const granted = env.filter((name) => !(name in ours)).flatMap((name) => {
    const value = variable(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(granted), ...ours };
}
