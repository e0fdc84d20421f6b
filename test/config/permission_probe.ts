/**
 * Run by permissions.test.ts under the daemon's own permissions: does what the daemon has to do, tries what it must not, and
 * prints what came of each as JSON.
 */

import { createServer } from "node:http";
import { statfsSync } from "node:fs";
import { open } from "lmdb";
import { readEnvironment } from "../../src/config/environment.ts";
import { NO_PERMISSIONS } from "../../src/executor/permissions.ts";
import { holdExecutor } from "../../src/executor/spawn.ts";
import { spawnChild } from "../../src/os/child_process.ts";
import { program } from "../../src/os/program.ts";
import { bindUnixListener, removeUnixListener } from "../../src/os/sockets/unix_socket.ts";

const [state = "", socket = "", handler = "", anchor = ""] = Deno.args;

const outcomes: Record<string, string> = {};

async function attempt(name: string, act: () => unknown): Promise<void> {
  try {
    outcomes[name] = String(await act());
  } catch (error) {
    outcomes[name] = error instanceof Error ? error.name : "error";
  }
}

await attempt("open the ledger", async () => {
  const database = open({ path: `${state}/ledger`, overlappingSync: false });
  await database.put("a", 1);
  const value: unknown = database.get("a");
  await database.close();
  return value;
});
await attempt("listen", async () => {
  const listener = bindUnixListener(socket, 0o600, null);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ fd: listener.descriptor }, resolve));
  removeUnixListener(listener);
  server.close();
  return "done";
});
await attempt("start an executor", async () => {
  const order = { path: program.runtime, args: ["--version"], environment: {} };
  const executor = holdExecutor(spawnChild(order), NO_PERMISSIONS);
  executor.channel.resume();
  return (await executor.exited).text;
});
await attempt("read a handler", () => Deno.readTextFileSync(handler));
await attempt("replace the anchor", () => {
  Deno.writeTextFileSync(`${anchor}.new`, "c");
  Deno.renameSync(`${anchor}.new`, anchor);
  return "done";
});
await attempt("read the environment", () => readEnvironment().home);
await attempt("read a granted variable", () => Deno.env.get("GRANTED"));
await attempt("ask for free space and user", () => {
  return statfsSync(state).bsize > 0 && Deno.uid() !== null;
});

await attempt("read another file", () => Deno.readTextFileSync("/etc/passwd"));
await attempt("write another file", () => Deno.writeTextFileSync(`${handler}.new`, ""));
await attempt("rewrite a handler", () => Deno.writeTextFileSync(handler, ""));
await attempt(
  "start its own runtime otherwise",
  () => new Deno.Command(program.runtime).outputSync().code,
);
await attempt("start another program", () => new Deno.Command("/bin/sh").outputSync().code);
await attempt("read another variable", () => Deno.env.get("PATH"));
await attempt("listen on TCP", () => Deno.listen({ port: 0 }));
await attempt("connect by TCP", () => Deno.connect({ port: 9 }));
await attempt("connect to a socket", () => Deno.connect({ transport: "unix", path: socket }));

Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(outcomes)));
