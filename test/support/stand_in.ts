/** Starts test/server/daemon_stand_in.ts in a process of its own. */

import { RUNTIME_CACHE } from "./runtime_cache.ts";
import { signalUnlessEnded } from "./signals.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

export interface StandIn {
  readonly process: Deno.ChildProcess;
  readonly directory: string;
  /** The next line of its output, parsed. */
  readonly line: () => Promise<Record<string, unknown>>;
  readonly close: () => Promise<void>;
}

export interface StandInOptions {
  readonly server?: Record<string, unknown>;
  /** What stands before the runtime's path: a wrapper and its arguments. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
}

export function startStandIn(
  { server = {}, wrapper = [], env = {}, directory }: StandInOptions = {},
): StandIn {
  const folder = directory ?? Deno.makeTempDirSync({ prefix: "openexec-stand-in-" });
  const script = `${ROOT}test/server/daemon_stand_in.ts`;
  const run = [
    Deno.execPath(),
    "run",
    "-A",
    "--no-lock",
    "--cached-only",
    script,
    folder,
    JSON.stringify(server),
  ];
  const [command = "", ...args] = [...wrapper, ...run];
  const process = new Deno.Command(command, {
    args,
    cwd: ROOT,
    env: { HOME: folder, ...RUNTIME_CACHE, ...env },
    // It ends with this process, also when a test is cut off: the pipe closes.
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    process,
    directory: folder,
    async line() {
      for (;;) {
        const end = text.indexOf("\n");
        if (end !== -1) {
          const line = text.slice(0, end);
          text = text.slice(end + 1);
          return JSON.parse(line);
        }
        const { value, done } = await reader.read();
        if (done) throw new Error("the process ended without a further line");
        text += value;
      }
    },
    async close() {
      signalUnlessEnded(process, "SIGKILL");
      await process.status;
      await process.stdin.close().catch(() => {});
      await reader.cancel();
      Deno.removeSync(folder, { recursive: true });
    },
  };
}
