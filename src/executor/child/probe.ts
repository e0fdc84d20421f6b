/**
 * Not an action: tries the doors of a box. Run as a handler at every start of the daemon; each name
 * it returns is a hole.
 *
 * A door counts as shut only if the runtime or the kernel says that it is not permitted. Whatever
 * else happens, errors included, means that somebody got further than that.
 */

import { defineAction } from "openexec";
import * as v from "valibot";

/** Each tries to do what its name says, and throws where that is refused. */
const DOORS = {
  read: ({ file }) => Deno.readFileSync(file),
  "source line": async ({ file }) => {
    const { Script } = await import("node:vm");
    const line = sourceLineOf(() =>
      new Script("throw new Error()", { filename: `file://${file}` }).runInThisContext()
    );
    if (line === "" || line === undefined) throw refused();
  },
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
  daemon: () => Deno.readTextFileSync(`/proc/${Deno.ppid}/environ`),
  internals: () => {
    if (!("internal" in Deno)) throw refused();
  },
  gpu: () => {
    if (!("gpu" in navigator)) throw refused();
  },
} as const satisfies Readonly<
  Record<string, (of: { readonly file: string; readonly variable: string }) => unknown>
>;

export type Door = keyof typeof DOORS;

const NAMES = Object.keys(DOORS).filter((name): name is Door => name in DOORS);

export default defineAction({
  /** A file and an environment variable that exist, and that this process may not read. */
  input: v.strictObject({
    doors: v.array(v.picklist(NAMES)),
    file: v.string(),
    variable: v.string(),
  }),
  output: v.array(v.string()),
  async run({ doors, ...of }) {
    const open: string[] = [];
    for (const door of doors) {
      try {
        await DOORS[door](of);
        open.push(door);
      } catch (error) {
        if (!isRefusal(error)) open.push(door);
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

/** The line that the runtime reads from a file to show where an error was thrown. */
function sourceLineOf(throwing: () => unknown): string | undefined {
  try {
    throwing();
  } catch (error) {
    const internal: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal") ?? "");
    const core: unknown = member(internal, "core");
    const destructure: unknown = member(core, "destructureError");
    if (typeof destructure !== "function") throw refused();
    const line: unknown = member(destructure(error), "sourceLine");
    return typeof line === "string" ? line : undefined;
  }
  return undefined;
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
