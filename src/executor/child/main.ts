/**
 * An executor: hears the daemon over descriptor 3, runs handlers, and ends when the daemon does.
 *
 * It is started inside of its box (box/spawner.ts), takes the rest of it upon itself, and gives up
 * the C library that it did that by, all before it hears of any handler. It holds no key and reads
 * what handlers import, and no other file.
 *
 * Argument: what is left to take upon itself (box/enter.ts), as JSON.
 */

import { enterBox } from "../../box/enter.ts";
import { Channel } from "../../os/sockets/channel.ts";
import {
  frameOfText,
  FrameReader,
  parseToExecutor,
  type ToDaemon,
  type ToExecutor,
} from "../protocol.ts";
import { Harness } from "./harness.ts";
import { removeInternals } from "./internals.ts";

/** Bounds the frame with code; it tells the bound of those that follow. */
const BOOT_BYTES_MAX = 256 * 1024 * 1024;

const { stringify } = JSON;

const NOT_GIVEN_UP = 70;
const PROTOCOL_BROKEN = 71;

enterBox(JSON.parse(Deno.args[0] ?? ""));
const channel = new Channel(3);
const reader = new FrameReader(BOOT_BYTES_MAX);
let harness: Harness | null = null;

giveUpForeignCode();
removeInternals();
await serve();
Deno.exit(0);

/** Until the daemon is gone, or has no more to say. */
async function serve(): Promise<void> {
  for (let bytes; (bytes = await channel.read()).length > 0;) {
    for (const frame of reader.read(bytes)) obey(parseToExecutor(frame));
  }
}

function obey(message: ToExecutor | undefined): void {
  if (message?.kind === "boot" && harness === null) {
    reader.bytesMax = message.limits.frameBytes;
    harness = new Harness(message, say);
    void harness.warmUp().then(() => say({ kind: "ready" }));
  } else if (message === undefined || harness === null) Deno.exit(PROTOCOL_BROKEN);
  else if (message.kind === "run") void harness.run(message);
  else if (message.kind === "check") void harness.check(message);
  else if (message.kind === "describe") void harness.describe(message);
  else Deno.exit(PROTOCOL_BROKEN);
}

/**
 * Member by member: the text of a member asks no prototype, which a handler may have changed, for a
 * toJSON.
 */
function say(message: ToDaemon): void {
  const members = Object.entries(message).map(([name, value]) => `"${name}":${stringify(value)}`);
  if (!channel.write(frameOfText(`{${members.join(",")}}`))) Deno.exit(0);
}

/** Functions that were looked up stay usable; nothing more can be loaded. */
function giveUpForeignCode(): void {
  Deno.permissions.revokeSync({ name: "ffi" });
  if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") Deno.exit(NOT_GIVEN_UP);
}
