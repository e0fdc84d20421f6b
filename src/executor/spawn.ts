/**
 * An executor from its start to its end, as the daemon holds it.
 *
 * A new executor has no environment but what was permitted; no descriptor but /dev/null (closed
 * pipes, where there is none), a pipe for what it says when it dies, and its end of the socket
 * pair; a process group of its own; no core dump, which would put payloads and secrets on disk; no
 * file that it could make longer, unless it may write one; and it is the first to go when memory
 * runs out. The rest is the box's business (box/).
 */

import { Socket } from "node:net";
import type { Permissions } from "../config/config.ts";
import { within } from "../core/wait.ts";
import { type Child, type Exit, exitOfChild } from "../os/child_process.ts";
import {
  RLIMIT_CORE,
  RLIMIT_FSIZE,
  sendSignal,
  setLimit,
  setOomScoreAdj,
  SIGKILL,
} from "../os/process.ts";

export interface Spawned {
  readonly pid: number;
  /** Descriptor 3 of the process. */
  readonly channel: Socket;
  readonly stderr: Socket;
  /** Resolves when nothing is left of its process group, and all that it said was heard. */
  readonly exited: Promise<Exit>;
  /** Ends it and all of its process group, at once. */
  kill(): void;
  /** The same, and lets go of what leads to it. */
  discard(): void;
}

type FilePermissions = Pick<Permissions, "write" | "run">;

const OOM_SCORE = 800;
/** How often one that has closed its channel is looked at until it has ended. */
const LOOK_EVERY_MS = 2;
/**
 * How long what one said before its end may take to arrive: a program outside of any box may have
 * left its group, and hold the descriptors open.
 */
const LAST_WORDS_MS = 100;

/** Throws when the process cannot be limited as an executor has to be, and ends it then. */
export function holdExecutor(
  { pid, channel: channelEnd, stderr: stderrEnd }: Child,
  permissions: FilePermissions,
): Spawned {
  const channel = new Socket({ fd: channelEnd, readable: true, writable: true });
  const stderr = new Socket({ fd: stderrEnd, readable: true, writable: false });
  const heard = Promise.all([channel, stderr].map(closed));
  const reaped = Promise.withResolvers<Exit>();
  const exited = reaped.promise.then((exit) => within(heard, LAST_WORDS_MS).then(() => exit));
  let alive = true;
  const kill = (): void => {
    if (alive) sendSignal(-pid, SIGKILL);
  };
  const look = (): void => {
    const exit = alive ? exitOfChild(pid) : null;
    if (exit === null) return;
    alive = false;
    Deno.removeSignalListener("SIGCHLD", look);
    reaped.resolve(exit);
  };
  const discard = (): void => {
    kill();
    channel.destroy();
    stderr.destroy();
  };
  // its end closes the channel, and the signal also tells of one whose channel another process
  // holds open
  Deno.addSignalListener("SIGCHLD", look);
  channel.on("error", kill);
  channel.on("close", () => {
    kill();
    const timer = setInterval(look, LOOK_EVERY_MS);
    void reaped.promise.then(() => clearInterval(timer));
  });
  stderr.on("error", () => {}); // its words are for the log
  const limits = mayWrite(permissions) ? [RLIMIT_CORE] : [RLIMIT_CORE, RLIMIT_FSIZE];
  if (!setOomScoreAdj(pid, OOM_SCORE) || !limits.every((limit) => setLimit(pid, limit, 0))) {
    discard();
    throw new Error("the process cannot be limited");
  }
  look(); // it may have ended before there was anybody to be told
  return { pid, channel, stderr, exited, kill, discard };
}

/** A program that it may run takes the limit along. */
function mayWrite({ write, run }: FilePermissions): boolean {
  return write.length > 0 || run.length > 0;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
