/**
 * The one place where the daemon starts processes.
 *
 * A new executor has: the flags it was given and no permission more; no environment but what was granted; no descriptor but
 * /dev/null (closed pipes, where there is none), a pipe for what it says when it dies, and its end of the socket pair; a
 * process group of its own; no core dump, which would put payloads and secrets on disk; and it is the first to go when
 * memory runs out.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { basename, dirname } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { markDescriptorsCloseOnExec } from "../os/descriptors.ts";
import { fileStatus } from "../os/file_status.ts";
import { RLIMIT_CORE, sendSignal, setOomScoreAdj, setSoftLimit, SIGKILL } from "../os/process.ts";

export interface SpawnOrder {
  /** The runtime's executable, absolute. */
  readonly runtime: string;
  readonly args: readonly string[];
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Spawned {
  readonly pid: number;
  /** Descriptor 3 of the process. */
  readonly channel: Duplex;
  readonly stderr: Readable;
  /** How it ended, in words. */
  readonly exited: Promise<string>;
  /** Ends it and all of its process group, at once. */
  kill(): void;
  /** The same, and lets go of what leads to it. */
  discard(): void;
}

const OOM_SCORE = 800;

/** Throws when the process cannot be started, or cannot be made what an executor has to be. */
export function spawnExecutor({ runtime, args, environment }: SpawnOrder): Spawned {
  markDescriptorsCloseOnExec();
  const nothing = fileStatus("/dev/null") === undefined ? "pipe" : "ignore"; // a bare root has no devices
  const child = spawn(unlikeOurselves(runtime), args, {
    cwd: "/",
    env: { ...environment },
    stdio: [nothing, nothing, "pipe", "pipe"],
    detached: true,
  });
  child.stdin?.destroy();
  child.stdout?.destroy();
  const exited = endOf(child);
  const { pid, stderr } = child;
  const channel = child.stdio[3];
  if (pid === undefined || stderr === null || !isDuplex(channel)) {
    throw new Error("the process did not start");
  }
  let alive = true;
  const kill = (): void => {
    if (alive) sendSignal(-pid, SIGKILL);
  };
  void exited.then(() => {
    kill(); // programs it started are of its group, and may have outlived it
    alive = false;
  });
  channel.on("error", kill);
  if (!setOomScoreAdj(pid, OOM_SCORE) || !setSoftLimit(pid, RLIMIT_CORE, 0)) {
    kill();
    throw new Error("the process cannot be limited");
  }
  const discard = (): void => {
    kill();
    channel.destroy();
    stderr.destroy();
  };
  return { pid, channel, stderr, exited, kill, discard };
}

/**
 * The same file by another spelling. node:child_process takes a program spelt like the one that runs for Node.js, and gives
 * it --allow-all; child/main.ts looks at what it was given, and refuses to work should that ever happen.
 */
function unlikeOurselves(runtime: string): string {
  return `${dirname(runtime)}/./${basename(runtime)}`;
}

function endOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  child.on("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  child.on("error", (error) => resolve(error.message));
  return promise;
}

function isDuplex(stream: unknown): stream is Duplex {
  return typeof stream === "object" && stream !== null && "write" in stream && "read" in stream;
}

const COMMAND_ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin" };

/** How long a command may take: whoever waits for one that hangs would wait for ever. */
const COMMAND_MS = 30_000;

/**
 * Runs a command of the operator's with `input` on its standard input; rejects unless it ends with exit code 0 in time. After
 * that it is killed, with what it started.
 */
export async function runCommand(
  [path = "", ...args]: readonly string[],
  input: string,
  limitMs = COMMAND_MS,
): Promise<void> {
  markDescriptorsCloseOnExec();
  const child = spawn(path, args, {
    cwd: "/",
    env: COMMAND_ENVIRONMENT,
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  child.stdin?.on("error", () => {}); // it may end without reading; its exit code tells
  child.stdin?.end(input);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.on("error", reject);
  child.on("exit", (code) => code === 0 ? resolve() : reject(new Error("the command failed")));
  const timer = setTimeout(() => {
    if (child.pid !== undefined) sendSignal(-child.pid, SIGKILL);
    reject(new Error("the command took too long"));
  }, limitMs);
  await promise.finally(() => clearTimeout(timer));
}
