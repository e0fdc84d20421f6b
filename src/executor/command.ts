/** Runs a command that the operator configured, such as one that publishes checkpoints. */

import { spawn } from "node:child_process";
import { markDescriptorsCloseOnExec } from "../os/descriptors.ts";
import { sendSignal, SIGKILL } from "../os/process.ts";

const ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin" };

/** How long a command may take: whoever waits for one that hangs would wait for ever. */
const LIMIT_MS = 30_000;

export interface CommandOptions {
  readonly limitMs?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * With `input` on its standard input; rejects unless it ends with exit code 0 in time. After that
 * it is killed, with what it started.
 */
export async function runCommand(
  [path = "", ...args]: readonly string[],
  input: string,
  { limitMs = LIMIT_MS, environment = ENVIRONMENT }: CommandOptions = {},
): Promise<void> {
  markDescriptorsCloseOnExec();
  const child = spawn(path, args, {
    cwd: "/",
    env: environment,
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
