/** Runs a child to its end, ledger_child.ts for one, or kills it after a number of lines or at a system call. */

import { signalUnlessEnded } from "../support/signals.ts";

const CHILD = new URL("ledger_child.ts", import.meta.url).pathname;
const CALLERS = 4;

export interface RunOptions {
  readonly killAfterLines?: number;
  /** What strace(1) injects, as `fdatasync:error=EIO:when=3`. */
  readonly inject?: string;
  /** Where strace writes its trace; with it, paths stand behind descriptors. */
  readonly traceTo?: string;
  readonly callers?: number;
  readonly rounds?: number;
}

export interface Run {
  readonly output: readonly string[];
  /** Whether it ended by SIGKILL. */
  readonly killed: boolean;
  readonly errors: string;
}

export const HAS_STRACE = hasStrace();

export function runChild(stateDir: string, run: string, options: RunOptions): Promise<Run> {
  const { callers = CALLERS, rounds = options.killAfterLines === undefined ? 12 : 100_000 } =
    options;
  return runScript([CHILD, stateDir, run, `${callers}`, `${rounds}`], options);
}

/** Does so with another script and its arguments. */
export async function runScript(script: readonly string[], options: RunOptions): Promise<Run> {
  const child = ["run", "-A", ...script];
  const traced = options.inject !== undefined || options.traceTo !== undefined;
  const args = traced ? [...straceArguments(options), Deno.execPath(), ...child] : child;
  const process = new Deno.Command(traced ? "strace" : Deno.execPath(), {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(process.stderr).text();
  let text = "";
  let lines = 0;
  for await (const part of process.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    lines += part.split("\n").length - 1;
    if (lines < (options.killAfterLines ?? Infinity)) continue;
    signalUnlessEnded(process, "SIGKILL");
    lines = -Infinity;
  }
  const { signal, code } = await process.status;
  // a line cut short by the kill was not said
  return {
    output: text.split("\n").slice(0, -1),
    killed: signal === "SIGKILL" || code === 128 + 9,
    errors: await errors,
  };
}

function straceArguments({ inject, traceTo }: RunOptions): string[] {
  const calls =
    "trace=openat,fdatasync,fsync,pwrite64,writev,pwritev,write,rename,unlink,ftruncate";
  return [
    "-f",
    "-o",
    traceTo ?? "/dev/null",
    ...(traceTo === undefined ? [] : ["-y", "-s", "64"]),
    // Stops at these calls alone. What is injected does not come then.
    ...(inject === undefined ? ["--seccomp-bpf"] : []),
    "-e",
    calls,
    ...(inject === undefined ? [] : ["-e", `inject=${inject}`]),
  ];
}

function hasStrace(): boolean {
  try {
    const { success } = new Deno.Command("strace", {
      args: ["-f", "true"],
      stdout: "null",
      stderr: "null",
    })
      .outputSync();
    return success;
  } catch {
    return false;
  }
}
