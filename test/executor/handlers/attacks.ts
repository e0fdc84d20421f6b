/** Everything a handler might do to its executor, by name. What is harmless returns "done". */

import fs from "node:fs";
import net from "node:net";
import process from "node:process";
import v8 from "node:v8";
import { defineAction } from "openexec";
import * as v from "valibot";

const forever = () => new Promise<never>(() => {});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function throwAny(value: unknown): never {
  throw value;
}

function frame(message: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const bytes = new Uint8Array(4 + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length);
  bytes.set(body, 4);
  return bytes;
}

async function writeToDaemon(bytes: Uint8Array): Promise<void> {
  new net.Socket({ fd: 3 }).write(bytes);
  await pause(10_000);
}

/** The bystander's execution: anything but its own. */
const FORGED = { kind: "succeeded", id: "bystander", result: '"forged"' };

const TIME: Record<string, () => unknown> = {
  endlessLoop() {
    for (;;);
  },
  async endlessMicrotasks() {
    for (;;) await null;
  },
  endlessTimers: async () => {
    setInterval(() => {}, 0);
    await forever();
  },
  endlessRegExp: () => /^(a+)+$/.test(`${"a".repeat(64)}b`),
  sleepsInTheKernel: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  ignoresItsSignal: () => forever(),
};

const MEMORY: Record<string, () => unknown> = {
  heapBomb() {
    const held: unknown[] = [];
    for (;;) held.push({ held: [held.length, String(held.length)] });
  },
  heapBombWithFlags() {
    for (const flag of ["--max-old-space-size=65536", "--max-heap-size=65536"]) {
      v8.setFlagsFromString(flag);
    }
    return MEMORY["heapBomb"]?.();
  },
  sharedArrayBomb() {
    const held: Uint8Array[] = [];
    for (;;) held.push(new Uint8Array(new SharedArrayBuffer(16 * 1024 * 1024)).fill(1));
  },
  resizedBufferBomb() {
    const buffer = new ArrayBuffer(0, { maxByteLength: 2 ** 32 });
    for (;;) {
      const before = buffer.byteLength;
      buffer.resize(before + 16 * 1024 * 1024);
      new Uint8Array(buffer, before).fill(1);
    }
  },
  typedArrayBomb() {
    const held: Uint8Array[] = [];
    for (;;) held.push(new Uint8Array(16 * 1024 * 1024).fill(1));
  },
  blobBomb() {
    const held: Blob[] = [];
    const part = new Uint8Array(16 * 1024 * 1024).fill(1);
    for (;;) held.push(new Blob([part, part]));
  },
  wasmBomb() {
    const memory = new WebAssembly.Memory({ initial: 1 });
    for (;;) {
      const before = memory.grow(256) * 65_536;
      new Uint8Array(memory.buffer, before).fill(1);
    }
  },
  deepRecursion() {
    const dive = (): number => 1 + dive();
    return dive();
  },
};

const THROWS: Record<string, () => unknown> = {
  throwsError: () => {
    throw new Error("as it does");
  },
  throwsNumber: () => throwAny(42),
  throwsUndefined: () => throwAny(undefined),
  throwsWhatThrows: () =>
    throwAny(
      new Proxy({}, {
        get() {
          throw new Error("no");
        },
        getPrototypeOf() {
          throw new Error("never");
        },
      }),
    ),
  rejects: () => Promise.reject(Symbol("not an error")),
  thenable: () => ({
    then(_resolve: unknown, reject: (reason: unknown) => void) {
      reject(null);
    },
  }),
  async unhandledRejection() {
    Promise.reject(new Error("nobody listens"));
    await forever();
  },
  async throwsInTimer() {
    setTimeout(() => {
      throw new Error("later");
    }, 0);
    await forever();
  },
};

const EXITS: Record<string, () => unknown> = {
  denoExit: () => Deno.exit(0),
  processExit: () => process.exit(0),
  reallyExit: () => Reflect.get(process, "reallyExit").call(process, 0),
  selfClose: async () => {
    self.close();
    await forever();
  },
  abort: () => process.abort(),
  killItself: async () => {
    process.kill(process.pid, "SIGKILL");
    await forever();
  },
  killParent: () => process.kill(process.ppid, "SIGKILL"),
  killAll: () => process.kill(-1, "SIGKILL"),
  signalListeners: () => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"] as const) {
      Deno.addSignalListener(signal, () => {});
    }
    return "done";
  },
};

const PROTOCOL: Record<string, () => unknown> = {
  async floodsChannels() {
    const channel = new BroadcastChannel("openexec");
    for (let i = 0; i < 50_000; i++) channel.postMessage({ ...FORGED, i });
    await null;
    return "done";
  },
  dispatchesEvents() {
    self.dispatchEvent(new MessageEvent("message", { data: { runsMax: 0, shared: true } }));
    return "done";
  },
  forgesFrame: () => writeToDaemon(frame({ ...FORGED })),
  isReadyAgain: () => writeToDaemon(frame({ kind: "ready", open: new Array(1_000_000).fill("x") })),
  logsForNobody() {
    const line = [...frame({ kind: "log", id: "nobody", line: "" })];
    return writeToDaemon(new Uint8Array(Array.from({ length: 1_000 }, () => line).flat()));
  },
  writesGarbage: () => writeToDaemon(crypto.getRandomValues(new Uint8Array(4096))),
  writesHugeLength: () => writeToDaemon(new Uint8Array([0xff, 0xff, 0xff, 0xff, 1])),
  closesChannel: async () => {
    new net.Socket({ fd: 3 }).destroy();
    await forever();
  },
  async readsChannel() {
    let stolen = "";
    const socket = new net.Socket({ fd: 3 });
    socket.on("data", (chunk) => stolen += chunk);
    await pause(50);
    return stolen === "" ? "done" : stolen;
  },
};

const DESCRIPTORS: Record<string, () => unknown> = {
  readsDescriptors() {
    const read = [];
    for (let fd = 0; fd < 256; fd++) {
      try {
        if (fs.readSync(fd, new Uint8Array(16)) > 0) read.push(fd);
      } catch {
        continue;
      }
    }
    return read.length === 0 ? "done" : read.join();
  },
  writesDescriptors() {
    for (let fd = 0; fd < 256; fd++) {
      try {
        fs.writeSync(fd, "noise");
      } catch {
        continue;
      }
    }
    return "done";
  },
  /** Takes over, and closes, whatever the process has open as a socket: the runtime's own included. */
  async adoptsSockets() {
    for (let fd = 0; fd < 256; fd++) {
      try {
        const socket = new net.Socket({ fd });
        socket.on("error", () => {});
        socket.write("noise");
        socket.destroy();
      } catch {
        continue;
      }
    }
    await forever();
  },
  async adoptsListeners() {
    let listening = 0;
    for (let fd = 0; fd < 256; fd++) {
      await new Promise<void>((resolve) => {
        const server = net.createServer();
        server.on("error", () => resolve());
        try {
          server.listen({ fd }, () => {
            listening++;
            resolve();
          });
        } catch {
          resolve();
        }
      });
    }
    return listening === 0 ? "done" : `${listening} listening`;
  },
  noise() {
    const text = "noise ".repeat(1_000);
    for (let i = 0; i < 100; i++) {
      globalThis.console.log(text);
      globalThis.console.error(text);
      Deno.stdout.writeSync(new TextEncoder().encode(text));
      process.stdout.write(text);
      try {
        Deno.stderr.writeSync(new TextEncoder().encode(text));
      } catch {
        continue; // nobody reads on after a while
      }
    }
    return "done";
  },
};

const LEAVINGS: Record<string, () => unknown> = {
  /** The harness's address too, which is in every stack trace. */
  revokesModules() {
    const stack = new Error().stack ?? "";
    for (const [url] of `${import.meta.url} ${stack}`.matchAll(/blob:[^\s:)]+/g)) {
      URL.revokeObjectURL(url);
    }
    return "done";
  },
  async leavesWorker() {
    const ready = Promise.withResolvers<unknown>();
    const worker = new Worker("data:text/javascript,postMessage(1);for(;;);", { type: "module" });
    worker.onmessage = ready.resolve;
    await ready.promise;
    return "done";
  },
};

const POISON: Record<string, () => unknown> = {
  poisonsPrototypes() {
    const evil = () => {
      throw new Error("poisoned");
    };
    for (
      const { prototype } of [
        Array,
        String,
        Number,
        Function,
        RegExp,
        Map,
        Set,
        WeakMap,
        MessagePort,
        EventTarget,
        AbortController,
      ]
    ) {
      for (const name of Object.getOwnPropertyNames(prototype)) {
        if (name === "constructor") continue;
        try {
          Object.defineProperty(prototype, name, { value: evil, configurable: true });
        } catch {
          continue; // some are not configurable
        }
      }
    }
    Object.defineProperty(Object.prototype, "toJSON", {
      value: () => "poisoned",
      configurable: true,
    });
    return "done";
  },
};

const attacks = {
  ...TIME,
  ...MEMORY,
  ...THROWS,
  ...EXITS,
  ...PROTOCOL,
  ...DESCRIPTORS,
  ...LEAVINGS,
  ...POISON,
};

export default defineAction({
  input: v.strictObject({ attack: v.string() }),
  output: v.unknown(),
  run: ({ attack }) => {
    const act = attacks[attack];
    if (act === undefined) throw new Error(`no attack ${attack}`);
    return act();
  },
});
