/**
 * `openexec review --web`: the review page in this person's browser, for as long as the terminal is
 * there.
 *
 * Invariant: the link is never an argument of a program, which every user can read. The browser is
 * given a file of mode 0600 that leads to it.
 */

import { join } from "node:path";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { BRIDGE_PORT, openBridge } from "./bridge.ts";
import type { ReviewSocket } from "./sockets.ts";

const NAME = "openexec-review.html";
/** Ctrl-C, the end of the session, and the loss of the terminal. */
const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Resolves when the person ends it. Throws UsageError, also when the link was used twice. */
export async function reviewOnWeb(
  context: Context,
  sockets: readonly ReviewSocket[],
): Promise<void> {
  const [socket, ...others] = sockets;
  if (socket === undefined || others.length > 0) {
    throw new UsageError("--web shows the page of one socket; name it by --socket");
  }
  socket.reviewer.close();
  const bridge = await openBridge(socket.socketPath).catch((error: unknown) => {
    throw isTaken(error) ? portTaken() : error;
  });
  for (const signal of ENDINGS) Deno.addSignalListener(signal, bridge.close);
  const folder = Deno.makeTempDirSync({ prefix: "openexec-review-" });
  try {
    const file = join(folder, NAME);
    Deno.writeTextFileSync(file, redirectTo(bridge.link), { mode: 0o600 });
    context.terminal.note(
      `a desktop opens the page of ${socket.executorId} by itself; if not, open`,
    );
    context.terminal.note(`  file://${file}`);
    context.terminal.note("to see it from another machine, end this and run there");
    context.terminal.note(`  ssh -L ${BRIDGE_PORT}:${socket.socketPath} HOST`);
    context.terminal.note("Ctrl-C ends it");
    openBrowser(file);
    const reason = await bridge.ended;
    if (reason === "stolen") {
      throw new UsageError(
        "the one-time link was used a second time: somebody else has it. Nothing was decided by " +
          "the link; look at what waits before you start again",
      );
    }
  } finally {
    bridge.close();
    Deno.removeSync(folder, { recursive: true });
    for (const signal of ENDINGS) Deno.removeSignalListener(signal, bridge.close);
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

function portTaken(): UsageError {
  return new UsageError(
    `port ${BRIDGE_PORT} of loopback is taken. Passkeys are good for this port alone: end what ` +
      "listens there, and if you do not know it, do not trust it",
  );
}

/** A browser's own way to follow a link without a script. */
function redirectTo(link: string): string {
  return `<!doctype html>\n<meta charset="utf-8">\n<title>openexec review</title>\n` +
    `<meta http-equiv="refresh" content="0;url=${link}">\n`;
}

/** Starts the desktop's browser if there is one; the person has the file's name otherwise. */
function openBrowser(file: string): void {
  try {
    const browser = new Deno.Command("xdg-open", {
      args: [file],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    browser.unref();
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable;
    if (!isMissing) throw error;
  }
}
