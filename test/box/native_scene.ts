/** Native code inside of boxes, and what there is for it to attack (test/box/native.c). */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { readHandler } from "../../src/actions/pin.ts";
import { thisKernel } from "../../src/box/kernel.ts";
import type { Permissions } from "../../src/config/config.ts";
import { Launcher } from "../../src/executor/launch.ts";
import { AF_UNIX, libc } from "../../src/os/libc.ts";
import { unixAddress } from "../../src/os/sockets/unix_socket.ts";

const SOCK_STREAM = 1;
const MEBIBYTE = 1024 * 1024;
const SOURCE = new URL("./native.c", import.meta.url).pathname;
export const NATIVE_HANDLER = new URL("./handlers/native.ts", import.meta.url).pathname;

/** Throws an Error where there is no compiler. */
function compile(place: string, ...flags: readonly string[]): void {
  execFileSync("gcc", ["-O1", ...flags, "-o", place, SOURCE]);
}

export class NativeScene {
  readonly folder = Deno.makeTempDirSync({ prefix: "openexec-native-" });
  /** What no action is permitted. */
  readonly daemon = join(this.folder, "daemon");
  /** What some are. */
  readonly granted = join(this.folder, "granted");
  readonly program = join(this.folder, "native");
  readonly #library = join(this.folder, "native.so");
  readonly port: number;
  readonly grantedPort: number;
  readonly #listeners: readonly Deno.Listener[];
  readonly #sibling: Deno.ChildProcess;
  readonly #abstract: number;
  #launcher: Launcher | null = null;

  constructor() {
    for (const folder of [this.daemon, this.granted]) Deno.mkdirSync(folder);
    for (const name of ["executor.key", "data.mdb", "openexec.toml", "secret"]) {
      Deno.writeTextFileSync(join(this.daemon, name), UNTOUCHED, { mode: 0o600 });
    }
    const local = () => Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const unix = (name: string) =>
      Deno.listen({ transport: "unix", path: join(this.daemon, name) });
    const [closed, open] = [local(), local()];
    this.#abstract = listenOnAbstract("openexec-native");
    [this.port, this.grantedPort] = [closed.addr.port, open.addr.port];
    this.#listeners = [closed, open, unix("admin.sock"), unix("agent.sock")];
    this.#sibling = new Deno.Command("sleep", { args: ["600"] }).spawn();
    compile(this.program, "-static");
    compile(this.#library, "-shared", "-fPIC");
  }

  /** What native.c takes, in order. */
  get targets(): string[] {
    const files = ["executor.key", "data.mdb", "openexec.toml", "secret"];
    const [key = "", ledger = "", config = "", secret = ""] = files
      .map((name) => join(this.daemon, name));
    const [admin, agent] = ["admin.sock", "agent.sock"].map((name) => join(this.daemon, name));
    const numbers = [Deno.pid, this.#sibling.pid, this.port].map(String);
    return [key, ledger, config, secret, this.daemon, `${admin}`, `${agent}`, ...numbers];
  }

  /** What native code in an executor with these permissions says of its attempts. */
  async attempts(permissions: Permissions): Promise<Record<string, string>> {
    const launcher = await this.#withForeignFunctions();
    const process = launcher.start({
      handlers: new Map([["native", await readHandler(NATIVE_HANDLER)]]),
      permissions: { ...permissions, read: [...permissions.read, this.#library] },
      memoryBytes: 256 * MEBIBYTE,
      isUnguarded: true,
    });
    if (!await process.ready()) throw new Error(process.lastWords);
    const payload = { file: this.#library, args: this.targets };
    const report = await process.run({
      id: "execution",
      handler: "native",
      request: JSON.stringify({ action: "native", payload }),
      idempotencyKey: "key",
      traceparent: null,
      secrets: [],
      abortAfterMs: 60_000,
    }, () => {});
    process.retire();
    await process.exited;
    if (report.kind !== "succeeded") throw new Error(report.reason);
    return attemptsIn(JSON.parse(report.result));
  }

  /** Throws an Error where an attack has changed one of the daemon's files. */
  expectUntouched(): void {
    const names = [...Deno.readDirSync(this.daemon)].map(({ name }) => name).sort();
    const expected = [
      "admin.sock",
      "agent.sock",
      "data.mdb",
      "executor.key",
      "openexec.toml",
      "secret",
    ];
    if (names.join() !== expected.join()) throw new Error(`the folder holds ${names.join()}`);
    for (const name of names.filter((name) => !name.endsWith(".sock"))) {
      const path = join(this.daemon, name);
      const { mode, uid } = Deno.statSync(path);
      const isSame = Deno.readTextFileSync(path) === UNTOUCHED && ((mode ?? 0) & 0o7777) === 0o600;
      if (!isSame || uid !== Deno.uid()) throw new Error(`${name} is not what it was`);
    }
  }

  async close(): Promise<void> {
    this.#launcher?.close();
    for (const listener of this.#listeners) listener.close();
    libc.close(this.#abstract);
    this.#sibling.kill("SIGKILL");
    await this.#sibling.status;
    Deno.removeSync(this.folder, { recursive: true });
  }

  /**
   * A launcher of executors that are ours in all but that they leave foreign functions to their
   * handlers.
   */
  async #withForeignFunctions(): Promise<Launcher> {
    if (this.#launcher !== null) return this.#launcher;
    const launcher = await Launcher.open(join(this.folder, "executors"), {
      limits: { requestBytes: MEBIBYTE, resultBytes: MEBIBYTE },
      kernel: thisKernel(),
      variable: () => undefined,
    });
    const text = Deno.readTextFileSync(launcher.program.main);
    const changed = text.replace("\\ngiveUpForeignCode();\\n", "\\n"); // a text in a string
    if (changed === text) throw new Error("executors give nothing up");
    Deno.writeTextFileSync(launcher.program.main, changed);
    return this.#launcher = launcher;
  }
}

const UNTOUCHED = "untouched";

/** Returns the descriptor of an abstract Unix socket that takes connections. */
function listenOnAbstract(name: string): number {
  const { socket, bind, listen } = libc;
  const descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  const address = unixAddress(`@${name}`);
  const isOpen = bind(descriptor, address, address.length) === 0 && listen(descriptor, 8) === 0;
  if (!isOpen) throw new Error("no abstract socket can be had");
  return descriptor;
}

/** Each attempt with what came of it. */
export function attemptsIn(text: string): Record<string, string> {
  const lines = text.trim().split("\n").map((line) => /^(.*) (\S+)$/.exec(line));
  return Object.fromEntries(lines.map((match) => [match?.[1] ?? "", match?.[2] ?? ""]));
}
