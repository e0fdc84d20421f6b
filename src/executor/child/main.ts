/**
 * An executor process: speaks with the daemon over descriptor 3 and runs handlers in a worker.
 *
 * It starts with the C library in reach, gives up what no handler may have, and then gives up the C library too.
 * It holds no key, reads what handlers import and no other file, and ends when the daemon does. The descriptor is in
 * non-blocking mode from here on, so that no read of a handler can outlive the handler's worker and take a later message
 * away.
 */

import { Socket } from "node:net";
import { nextTick } from "node:process";
import { markDescriptorsCloseOnExec } from "../../os/descriptors.ts";
import { forbidSymlinks } from "../../os/forbid_symlinks.ts";
import {
  type Boot,
  frameOf,
  FrameReader,
  parseToExecutor,
  type ToDaemon,
  type ToExecutor,
} from "../protocol.ts";
import { Stage } from "./stage.ts";

/** Bound of the first frame, which holds code; those that follow are bounded by what it says. */
const BOOT_BYTES_MAX = 256 * 1024 * 1024;

const NOT_GRANTED = 70;
const PROTOCOL_BROKEN = 71;

const socket = new Socket({ fd: 3, readable: true, writable: true });
const reader = new FrameReader(BOOT_BYTES_MAX);
let stage: Stage | null = null;

socket.on("data", (chunk: Uint8Array) => {
  for (const frame of reader.read(chunk)) obey(parseToExecutor(frame));
});
socket.on("error", () => Deno.exit(0));
socket.on("end", () => Deno.exit(0));
socket.on("close", () => Deno.exit(0));

function obey(message: ToExecutor | undefined): void {
  if (message?.kind === "boot" && stage === null) stage = boot(message);
  else if (stage === null) Deno.exit(PROTOCOL_BROKEN);
  else if (message?.kind === "run") stage.run(message);
  else if (message?.kind === "describe") stage.describe(message);
  else if (message?.kind === "next") stage.next();
  else Deno.exit(PROTOCOL_BROKEN);
}

function boot(message: Boot): Stage {
  // programs that an action may start make what links they like, and may need to gain privileges, which this ends too
  if (message.permissions.run === false) forbidSymlinks();
  markDescriptorsCloseOnExec(); // nor does the channel become theirs
  dropPermissions();
  reader.bytesMax = message.limits.frameBytes;
  return new Stage(message, (said) => send({ ...said, token: message.token }));
}

/** What is said in one turn of the event loop leaves at once. */
function send(message: ToDaemon): void {
  if (socket.writableCorked === 0) {
    socket.cork();
    nextTick(() => socket.uncork());
  }
  socket.write(frameOf(message));
}

/** Workers cannot be given what this thread has not got. Ends the process if anything is left that was not asked for. */
function dropPermissions(): void {
  Deno.permissions.revokeSync({ name: "ffi" });
  for (const name of ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const) {
    if (Deno.permissions.querySync({ name }).state === "granted") Deno.exit(NOT_GRANTED);
  }
}
