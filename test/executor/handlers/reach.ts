/** Tries one door, and says what it found behind it. */

import { defineAction } from "openexec";
import { WASI } from "node:wasi";
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
  connect: async (port) =>
    (await Deno.connect({ hostname: "127.0.0.1", port: Number(port) })).close(),
  unix: async (path) => (await Deno.connect({ transport: "unix", path })).close(),
  listen: () => Deno.listen({ port: 0 }).close(),
  resolve: (name) => Deno.resolveDns(name, "A"),
  run: async (program) =>
    new TextDecoder().decode((await new Deno.Command(program).output()).stdout),
  kill: (pid) => Deno.kill(Number(pid), "SIGKILL"),
  ffi: (path) => Deno.dlopen(path, {}).close(),
  sys: () => Deno.hostname(),
  uid: () => Deno.uid(),
  proc: () => Deno.readTextFile("/proc/self/environ"),
  import: async (specifier) => Object.keys(await import(specifier)),
  // what a library of ours makes imports as the executor's own program does
  libraryImport: async (specifier) => {
    const code = `return import(${JSON.stringify(specifier)})`;
    const made = v.parse(v.pipe(v.string(), v.transform(Function)), code);
    return Object.keys(await made());
  },
  staticImport: async () =>
    Object.keys(await import("file:///etc/hostname", { with: { type: "text" } })),
  askPermission: async () => (await Deno.permissions.request({ name: "read" })).state,
  kv: () => Reflect.get(Deno, "openKv").call(Deno, ":memory:"),
  cache: async () => await (await caches.open("x")).put("http://x/", new Response("kept")),
  storage: () => localStorage.setItem("kept", "yes"),
  worker: () => {
    new Worker("data:text/javascript,", { type: "module", deno: { permissions: { read: true } } })
      .terminate();
  },
  wasiLink: async (folder) => {
    await linkByWasi(folder, "/etc/passwd", "passwd");
    return await Deno.readTextFile(`${folder}/passwd`);
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

/** An empty module with a memory. */
const MEMORY = new Uint8Array([
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  5,
  3,
  1,
  0,
  1,
  7,
  10,
  1,
  6,
  109,
  101,
  109,
  111,
  114,
  121,
  2,
  0,
]);

/** path_symlink of WASI, which does not ask for the permissions that Deno.symlink() asks for. */
async function linkByWasi(folder: string, target: string, name: string): Promise<void> {
  const wasi = new WASI({ version: "preview1", preopens: { "/folder": folder } });
  const { instance } = await WebAssembly.instantiate(MEMORY, {});
  wasi.initialize(instance);
  const memory = instance.exports["memory"];
  if (!(memory instanceof WebAssembly.Memory)) throw new Error("no memory");
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(new TextEncoder().encode(target), 0);
  bytes.set(new TextEncoder().encode(name), 1024);
  const errno: unknown = Reflect.get(wasi.wasiImport, "path_symlink")(
    0,
    target.length,
    3,
    1024,
    name.length,
  );
  if (errno !== 0) throw new Error(`path_symlink: ${errno}`);
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
