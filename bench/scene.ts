/**
 * A daemon to measure: the real one, with a configuration of its own, in a folder that goes with
 * it.
 */

import { Daemon } from "../test/support/daemon.ts";
import { approver } from "./load.ts";

const HANDLER = new URL("echo_handler.ts", import.meta.url).pathname;

export interface SceneOptions {
  readonly mode?: "enforced" | "demo";
  /** An existing folder to serve from, as the growth figures need it. */
  readonly directory?: string;
  /** More tables of the configuration. */
  readonly tables?: string;
}

/** echo as it comes, and the same as a module under each isolation. */
export async function scene(
  { mode = "enforced", directory, tables = "" }: SceneOptions = {},
): Promise<Daemon> {
  const digest = await digestOf(HANDLER);
  const module = (isolation: string) =>
    `[actions.echo_${isolation}]
module = "${HANDLER}"
digest = "${digest}"
isolation = "${isolation}"
concurrency = 16
`;
  return await Daemon.start({
    ...(directory === undefined ? {} : { directory }),
    config: `executor_id = "openexec:test"
mode = "${mode}"
${approver.toml('actions = ["*"]\nmax_ttl = "24h"')}
[actions.echo]
module = "builtin:echo"
[limits]
request_bytes = 4194304
result_bytes = 2097152
${tables}
${module("fresh")}${module("reuse")}`,
  });
}

async function digestOf(path: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return `sha256:${new Uint8Array(hash).toHex()}`;
}

/**
 * Memory of the daemon's own (RssAnon of proc(5)); the ledger's mapped pages belong to the page
 * cache.
 */
export function anonymousMegabytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}
