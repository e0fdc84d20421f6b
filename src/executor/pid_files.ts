/**
 * Keeps which executors a daemon has started, in `<state>/executors/`: an empty file for each,
 * named by pid and start time.
 *
 * Invariants: a process is on record before any handler's code is sent to it; a starting daemon
 * ends all that its predecessor left, programs they started included, before it recovers, so that
 * no execution runs on, unseen, while its outcome is called unknown or it is run again. Only a
 * program that no box kept in its process group would escape.
 */

import { join } from "node:path";
import { StartupError } from "../core/startup_error.ts";
import { isGroupAlive, isOfThisBoot, sendSignal, SIGKILL, startTimeOf } from "../os/process.ts";

/** Name of a file: pid, dot, start time. Earlier versions had the start time inside. */
const NAME = /^([1-9]\d{0,9})(?:\.(.+))?$/;
const GONE_MS = 5_000;
const LOOK_EVERY_MS = 5;

export class PidFiles {
  constructor(private readonly directory: string) {}

  /**
   * Returns the name of the record. Throws when the process is gone already, or the file cannot be
   * written.
   */
  add(pid: number): string {
    const startTime = startTimeOf(pid);
    if (startTime === null) throw new Error("the process ended as soon as it started");
    const name = `${pid}.${startTime}`;
    try {
      // empty, since that needs no room on a full disk
      Deno.writeTextFileSync(join(this.directory, name), "", { mode: 0o600 });
    } catch (error) {
      this.remove(name);
      throw error;
    }
    return name;
  }

  /**
   * Ends every process on record that still is the one that was recorded. Only for the one daemon
   * that holds the state directory's lock. Throws a StartupError when one does not end.
   */
  async endPredecessors(): Promise<void> {
    for (const { name } of [...Deno.readDirSync(this.directory)]) {
      const [, pid, startTime] = NAME.exec(name) ?? [];
      if (pid === undefined) continue;
      const written = startTime ?? Deno.readTextFileSync(join(this.directory, name));
      await endProcess(Number(pid), written);
      this.remove(name);
    }
  }

  /** By its name: the pid may be another process's by now, with a record of its own. */
  remove(name: string): void {
    try {
      Deno.removeSync(join(this.directory, name));
    } catch {
      return; // the next start finds that the process is not alive
    }
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
  if (!isOfThisBoot(startTime)) return false; // another process has the number now
  const now = startTimeOf(pid);
  return now === null ? isGroupAlive(pid) : now === startTime;
}
