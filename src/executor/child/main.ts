/**
 * An executor: hears the daemon over descriptor 3, runs handlers, and ends when the daemon does.
 *
 * It is started inside of its box (box/spawner.ts), takes the rest of it upon itself, and gives up
 * the C library that it did that by, and the runtime's internals, all before it hears of any
 * handler. It holds no key and reads what handlers import, and no other file.
 *
 * Arguments: what is left to take upon itself (box/enter.ts), as JSON; and a file to try the
 * kernel's box with (box/doors.ts), where that is to be tried.
 */

import { openDoors } from "../../box/doors.ts";
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

/** Bounds the frame with code; it tells the bound of those that follow. */
const BOOT_BYTES_MAX = 256 * 1024 * 1024;

const { stringify } = JSON;

const NOT_GIVEN_UP = 70;
const PROTOCOL_BROKEN = 71;

const [entry = "", canary] = Deno.args;
enterBox(JSON.parse(entry));
const open = canary === undefined ? null : openDoors(canary);
const channel = new Channel(3);
const reader = new FrameReader(BOOT_BYTES_MAX);
giveUpForeignCode();
removeInternals();
const harness = boot();
void serve();

/** Rejects where this process is broken, which ends it. */
async function serve(): Promise<void> {
  await harness.makeReady(takeFirst);
  for (let bytes; (bytes = await channel.read()).length > 0;) obeyAll(bytes);
  Deno.exit(0); // the daemon is gone, or has no more to say
}

function boot(): Harness {
  const [frame, ...others] = framesNow();
  const message = frame === undefined ? undefined : parseToExecutor(frame);
  if (message?.kind !== "boot" || others.length > 0) Deno.exit(PROTOCOL_BROKEN);
  reader.bytesMax = message.limits.frameBytes;
  return new Harness(message, say);
}

/** Says that this process can take work, and lets no other code run before the first has come. */
function takeFirst(): void {
  say({ kind: "ready", open });
  for (const frame of framesNow()) obey(parseToExecutor(frame));
}

/** At least one. */
function framesNow(): string[] {
  for (let bytes; (bytes = channel.readNow()).length > 0;) {
    const frames = reader.read(bytes);
    if (frames.length > 0) return frames;
  }
  return Deno.exit(0);
}

function obeyAll(bytes: Uint8Array): void {
  for (const frame of reader.read(bytes)) obey(parseToExecutor(frame));
}

function obey(message: ToExecutor | undefined): void {
  if (message?.kind === "run") void harness.run(message);
  else if (message?.kind === "check") void harness.check(message);
  else if (message?.kind === "describe") void harness.describe(message);
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

/**
 * Takes the runtime's internals out of reach: its operations, and what loads native code or tells
 * of files without asking for a permission. A second wall only: workers of a handler's own have
 * them again, and the kernel's box holds whatever they open. To be called once, before any code
 * that is not ours runs.
 */
function removeInternals(): void {
  const internal: unknown = Reflect.get(Deno, "internal");
  if (typeof internal === "symbol") Reflect.deleteProperty(Deno, internal);
  Reflect.deleteProperty(Deno, "internal");
  // its drivers are native code of the host, and write caches
  Reflect.deleteProperty(Navigator.prototype, "gpu");
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (name.startsWith("GPU")) Reflect.deleteProperty(globalThis, name);
  }
}
