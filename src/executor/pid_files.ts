/**
 * Keeps which executors a daemon has started, in `<state>/executors/`: a file for each, named by
 * pid, that holds its start time.
 *
 * Invariants: a process is on record before any handler's code is sent to it; a starting daemon
 * ends all that its predecessor left, programs they started included, before it recovers, so that
 * no execution runs on, unseen, while its outcome is called unknown or it is run again. Only a
 * program that was granted and left its process group would escape.
 */

import { join } from "node:path";
import { StartupError } from "../core/startup_error.ts";
import { isGroupAlive, isOfThisBoot, sendSignal, SIGKILL, startTimeOf } from "../os/process.ts";

const PID = /^[1-9]\d{0,9}$/;
const GONE_MS = 5_000;
const LOOK_EVERY_MS = 5;

export class PidFiles {
  constructor(private readonly directory: string) {}

  /** Throws when the process is gone already, or the file cannot be written. */
  add(pid: number): void {
    const startTime = startTimeOf(pid);
    if (startTime === null) throw new Error("the process ended as soon as it started");
    try {
      Deno.writeTextFileSync(this.#path(pid), startTime, { mode: 0o600 });
    } catch (error) {
      this.remove(pid);
      throw error;
    }
  }

  remove(pid: number): void {
    try {
      Deno.removeSync(this.#path(pid));
    } catch {
      return; // the next start finds that it is not alive
    }
  }

  /**
   * Ends every process on record that still is the one that was recorded. Only for the one daemon
   * that holds the state directory's lock. Throws a StartupError when one does not end.
   */
  async endPredecessors(): Promise<void> {
    for (const entry of [...Deno.readDirSync(this.directory)]) {
      if (!PID.test(entry.name)) continue;
      const pid = Number(entry.name);
      await endProcess(pid, Deno.readTextFileSync(this.#path(pid)));
      this.remove(pid);
    }
  }

  #path(pid: number): string {
    return join(this.directory, String(pid));
  }
}

async function endProcess(pid: number, startTime: string): Promise<void> {
  const deadline = performance.now() + GONE_MS;
  while (isLeft(pid, startTime)) {
    sendSignal(-pid, SIGKILL);
    if (performance.now() > deadline) {
      throw new StartupError(
        `Executor ${pid} of an earlier daemon does not end`,
        "End it, then start again",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/**
 * Whether the executor is there, or a program it started: executors lead a process group. While one
 * of the group is there the kernel gives its number to no other process, so that without a leader
 * it still is that executor's.
 */
function isLeft(pid: number, startTime: string): boolean {
  const now = startTimeOf(pid);
  return now === null ? isOfThisBoot(startTime) && isGroupAlive(pid) : now === startTime;
}
