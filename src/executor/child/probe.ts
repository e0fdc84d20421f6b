/**
 * Not an action: tries the doors that the runtime shuts to a handler without permissions. Run as
 * one at every start of the daemon; each name it returns is a hole.
 *
 * A door counts as shut only if the runtime or the kernel says that it is not permitted. Whatever
 * else happens, errors included, means that somebody got further than that.
 */

import { defineAction } from "openexec";
import * as v from "valibot";

/** Each tries to do what its name says, and throws where that is refused. */
const DOORS: Readonly<
  Record<string, (of: { readonly file: string; readonly variable: string }) => unknown>
> = {
  read: ({ file }) => Deno.readFileSync(file),
  write: ({ file }) => Deno.openSync(file, { write: true }).close(),
  create: ({ file }) => Deno.openSync(`${file}.new`, { write: true, create: true }).close(),
  mode: ({ file }) => Deno.chmodSync(file, 0o600),
  environment: ({ variable }) => Deno.env.get(variable),
  listen: () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
  connect: () => Deno.connect({ hostname: "127.0.0.1", port: 1 }),
  unix: ({ file }) => Deno.connect({ transport: "unix", path: `${file}.sock` }),
  // Its standard input is ours: a bare root has no /dev/null, and lacking one is no refusal.
  run: () =>
    new Deno.Command(Deno.execPath(), { args: ["--version"], stdin: "inherit" }).outputSync(),
  "foreign code": () => Deno.dlopen("libc.so.6", {}),
  system: () => Deno.hostname(),
  import: ({ file }) =>
    import(`file://${file}`).catch((error: unknown) => {
      // the import map leads every file there
      throw error instanceof Error && error.message.includes("nowhere:") ? refused() : error;
    }),
  worker: ({ file }) =>
    new Worker("data:text/javascript,", {
      type: "module",
      deno: { permissions: { read: [file] } },
    }),
  signal: () => Deno.kill(Deno.ppid, "SIGCONT"),
  internals: () => {
    if (!("internal" in Deno)) throw refused();
  },
  gpu: () => {
    if (!("gpu" in navigator)) throw refused();
  },
};

export default defineAction({
  /** A file and an environment variable that exist, and that this process may not read. */
  input: v.strictObject({ file: v.string(), variable: v.string() }),
  output: v.array(v.string()),
  async run(of) {
    const open: string[] = [];
    for (const [name, door] of Object.entries(DOORS)) {
      try {
        await door(of);
        open.push(name);
      } catch (error) {
        if (!isRefusal(error)) open.push(name);
      }
    }
    return open;
  },
});

function isRefusal(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied ||
    (error instanceof Error && /not permitted|permission denied|EPERM|EACCES/i.test(error.message));
}

function refused(): Error {
  return new Deno.errors.NotCapable();
}
