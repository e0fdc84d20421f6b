/**
 * Faults of the runtime that have been public, each as a handler would use it; says what it got.
 */

import { Buffer } from "node:buffer";
import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";
import { defineAction } from "openexec";
import * as v from "valibot";

const { O_RDONLY, O_CREAT } = fs.constants;

function internals(): unknown {
  return Reflect.get(Deno, Reflect.get(Deno, "internal") ?? "internal");
}

/** The line that the runtime shows of the file in which an error seems to be thrown. */
function sourceLine(path: string): unknown {
  try {
    new vm.Script("throw new Error()", { filename: `file://${path}` }).runInThisContext();
  } catch (error) {
    const core = Reflect.get(Object(internals()), "core");
    return core === undefined ? "no internals" : core.destructureError(error).sourceLine;
  }
  return undefined;
}

/** The same in a realm that has the internals. */
const SOURCE_LINE = `
import vm from "node:vm";
self.onmessage = ({ data }) => {
  try {
    new vm.Script("throw new Error()", { filename: "file://" + data }).runInThisContext();
  } catch (error) {
    postMessage(Deno[Deno.internal].core.destructureError(error).sourceLine ?? "nothing");
  }
};`;

/** What the runtime has open in a worker's realm. */
const RESOURCES = `
self.onmessage = () => postMessage(Object.values(Deno[Deno.internal].core.resources()).join());`;

const ADAPTER = `
self.onmessage = async () => postMessage(String(await navigator.gpu.requestAdapter()));`;

function inWorker(text: string, message: unknown, permissions: unknown): Promise<unknown> {
  const options = { type: "module", deno: { permissions } } as const;
  const url = `data:text/javascript,${encodeURIComponent(text)}`;
  const worker: Worker = Reflect.construct(Worker, [url, options]);
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(message);
  });
}

/** Through every door that is a name of the runtime's; says which did not refuse. */
function notRefused(attempts: Readonly<Record<string, () => unknown>>): string[] {
  return Object.entries(attempts).flatMap(([name, attempt]) => {
    try {
      attempt();
      return [name];
    } catch {
      return [];
    }
  });
}

async function byProxy(proxy: unknown): Promise<string> {
  // with forms that its types do not name
  using client: Deno.HttpClient = Reflect.apply(Deno.createHttpClient, Deno, [{ proxy }]);
  const options = { method: "GET", client };
  const answer = await fetch("http://127.0.0.1:8123/", options).catch((error: Error) => {
    throw error.cause ?? error; // which says why
  });
  return await answer.text();
}

interface Target {
  readonly path: string;
  readonly other: string;
  readonly pid: number;
}

const FILES: Record<string, (target: Target) => unknown> = {
  sourceLine: ({ path }) => sourceLine(path),
  sourceLineInWorker: ({ path }) => inWorker(SOURCE_LINE, path, "none"),
  sourceLineInInheritingWorker: ({ path }) => inWorker(SOURCE_LINE, path, "inherit"),
  changeByDescriptor({ path }) {
    const file = fs.openSync(path, "r");
    return notRefused({
      fchmod: () => fs.fchmodSync(file, 0o777),
      fchown: () => fs.fchownSync(file, 65534, 65534),
      futimes: () => fs.futimesSync(file, 1, 1),
      ftruncate: () => fs.ftruncateSync(file, 0),
      write: () => fs.writeSync(file, "changed"),
    });
  },
  changeByPath: ({ path }) =>
    notRefused({
      truncate: () => Deno.truncateSync(path),
      chown: () => Deno.chownSync(path, 65534, 65534),
      utime: () => Deno.utimeSync(path, 1, 1),
      append: () => fs.appendFileSync(path, "changed"),
      remove: () => Deno.removeSync(path),
      rename: () => Deno.renameSync(path, `${path}.moved`),
      link: () => Deno.linkSync(path, `${path}.linked`),
    }),
  readByCreating({ path }) {
    const buffer = Buffer.alloc(64);
    const length = fs.readSync(fs.openSync(path, O_RDONLY | O_CREAT), buffer);
    return buffer.toString("utf8", 0, length);
  },
  createByReading: ({ path }) => fs.readFileSync(path, { flag: O_RDONLY | O_CREAT }).length,
  resolve: ({ path }) => createRequire("file:///x/").resolve(path),
  resolveExports: ({ path }) => createRequire(`${path}/`).resolve("secret-package/x"),
  makeModes({ path }) {
    const name = (end: string) => `${path}/${end}`;
    const file = fs.openSync(name("opened"), "w", 0o6777);
    return notRefused({
      folder: () => Deno.chmodSync(path, 0o777),
      fchmodFolder: () => fs.fchmodSync(fs.openSync(path, "r"), 0o777),
      chmod: () => Deno.chmodSync(name("opened"), 0o6777),
      fchmod: () => fs.fchmodSync(file, 0o6777),
      mkdir: () => Deno.mkdirSync(name("made"), { mode: 0o2777 }),
      umask: () => Deno.umask(0),
      createdAfterUmask: () => fs.openSync(name("after"), "w", 0o666),
      mknod: () => net.createServer().listen(name("socket")),
      symlink: () => Deno.symlinkSync("/etc", name("etc")),
    });
  },
  open: ({ path }) => fs.closeSync(fs.openSync(path, "r+")),
};

const SOCKETS: Record<string, (target: Target) => unknown> = {
  proxyUrl: ({ path }) => byProxy({ url: `unix:${path}` }),
  proxyPath: ({ path }) => byProxy({ transport: "unix", path }),
  connect: async ({ path }) => (await Deno.connect({ transport: "unix", path })).close(),
  nodeConnect: ({ path }) =>
    new Promise((resolve, reject) => {
      net.connect({ path }).on("connect", () => resolve("connected")).on("error", reject);
    }),
};

const PROCESSES: Record<string, (target: Target) => unknown> = {
  signal: ({ pid }) => Deno.kill(pid, "SIGKILL"),
  nodeSignal: ({ pid }) => process.kill(pid, "SIGKILL"),
  signalByProgram: async ({ pid }) =>
    (await new Deno.Command("/bin/kill", { args: ["-9", `${pid}`] }).output()).success,
  environment: ({ pid }) => Deno.readTextFileSync(`/proc/${pid}/environ`),
};

const REALM: Record<string, (target: Target) => unknown> = {
  internals: () => typeof internals(),
  resources: () => inWorker(RESOURCES, null, "none"),
  gpu: () => String(Reflect.get(navigator, "gpu")),
  gpuInWorker: () => inWorker(ADAPTER, null, "none"),
  forge({ other }) {
    const body = new TextEncoder().encode(
      JSON.stringify({ kind: "succeeded", id: other, result: '"forged"' }),
    );
    const frame = new Uint8Array(4 + body.length);
    new DataView(frame.buffer).setUint32(0, body.length);
    frame.set(body, 4);
    new net.Socket({ fd: 3 }).write(frame);
    return new Promise((resolve) => setTimeout(resolve, 5_000));
  },
  wait: () => new Promise((resolve) => setTimeout(() => resolve("its own"), 1_500)),
  spoil() {
    const set = (name: string, value: unknown) => Reflect.set(globalThis, name, value);
    return notRefused({
      environment: () => Deno.env.set("API_URL", "https://evil.example"),
      timezone: () => Deno.env.set("TZ", "Asia/Tokyo"),
      locale: () => Deno.env.set("LANG", "tr_TR.UTF-8"),
      folder: () => Deno.chdir("/proc"),
      umask: () => Deno.umask(0),
      flags: () => v8.setFlagsFromString("--stack-size=100"),
      globals: () => set("fetch", "spoiled") && set("left", "behind"),
      prototypes: () => Object.defineProperty(Object.prototype, "left", { value: "behind" }),
    });
  },
  look: () => ({
    environment: process.env["API_URL"] ?? null,
    timezone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
    locale: new Intl.DateTimeFormat().resolvedOptions().locale,
    folder: process.cwd(),
    globals: [typeof fetch, Reflect.has(globalThis, "left"), Reflect.has({}, "left")],
  }),
};

const faults = { ...FILES, ...SOCKETS, ...PROCESSES, ...REALM };

export default defineAction({
  input: v.strictObject({
    fault: v.string(),
    path: v.optional(v.string(), "/"),
    other: v.optional(v.string(), ""),
    pid: v.optional(v.number(), 0),
  }),
  output: v.unknown(),
  run: async ({ fault, ...target }) => {
    const act = faults[fault];
    if (act === undefined) throw new Error(`no fault ${fault}`);
    return await act(target) ?? "nothing";
  },
});
