/** Tries one door, and says what it found behind it. */

import { defineAction } from "openexec";
import * as v from "valibot";

const doors: Record<string, (target: string) => unknown> = {
  read: (path) => Deno.readTextFile(path),
  list: (path) => Array.from(Deno.readDirSync(path), (entry) => entry.name),
  write: async (path) => await Deno.writeTextFile(path, "written"),
  remove: (path) => Deno.remove(path),
  link: (path) => Deno.symlink("/etc/passwd", path),
  env: (name) => Deno.env.get(name),
  allEnv: () => Deno.env.toObject(),
  fetch: async (url) => await (await fetch(url)).text(),
  connect: async (port) => (await Deno.connect({ hostname: "127.0.0.1", port: Number(port) })).close(),
  unix: async (path) => (await Deno.connect({ transport: "unix", path })).close(),
  listen: () => Deno.listen({ port: 0 }).close(),
  resolve: (name) => Deno.resolveDns(name, "A"),
  run: async (program) => new TextDecoder().decode((await new Deno.Command(program).output()).stdout),
  kill: (pid) => Deno.kill(Number(pid), "SIGKILL"),
  ffi: (path) => Deno.dlopen(path, {}).close(),
  sys: () => Deno.hostname(),
  uid: () => Deno.uid(),
  proc: () => Deno.readTextFile("/proc/self/environ"),
  import: async (specifier) => Object.keys(await import(specifier)),
  staticImport: async () => Object.keys(await import("file:///etc/hostname", { with: { type: "text" } })),
  askPermission: async () => (await Deno.permissions.request({ name: "read" })).state,
  kv: () => Reflect.get(Deno, "openKv").call(Deno, ":memory:"),
  cache: async () => await (await caches.open("x")).put("http://x/", new Response("kept")),
  storage: () => localStorage.setItem("kept", "yes"),
  worker: () => {
    new Worker("data:text/javascript,", { type: "module", deno: { permissions: { read: true } } })
      .terminate();
  },
  fileWorker: (path) => messageOf(`file://${path}`),
  ownWorker: (text) => messageOf(`data:text/javascript,postMessage(${JSON.stringify(text)})`),
};

function messageOf(module: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(module, { type: "module" });
    worker.onmessage = (event) => resolve(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
}

export default defineAction({
  input: v.strictObject({ door: v.string(), target: v.string() }),
  output: v.nullish(v.unknown(), null),
  run: async ({ door, target }) => {
    const open = doors[door];
    if (open === undefined) throw new Error(`no door ${door}`);
    return await open(target) ?? null;
  },
});
