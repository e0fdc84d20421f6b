/** Native code inside of boxes, and what there is for it to attack (test/box/native.c). */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type Box, boxOf } from "../../src/box/box.ts";
import { thisKernel } from "../../src/box/kernel.ts";
import type { Permissions } from "../../src/config/config.ts";
import { Launcher } from "../../src/executor/launch.ts";
import { spawnExecutor } from "../../src/executor/spawn.ts";
import { FILE_RIGHTS } from "../../src/os/landlock.ts";
import { fileCalls, socketCalls } from "../../src/os/libc.ts";
import { program } from "../../src/os/program.ts";
import { AF_UNIX, unixAddress } from "../../src/os/unix_address.ts";

const SOCK_STREAM = 1;
const SOURCE = new URL("./native.c", import.meta.url).pathname;
const FLAGS = ["--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm"];

/** Throws an Error where there is no compiler. */
export function compileNative(place: string, ...flags: readonly string[]): void {
  execFileSync("gcc", ["-O1", ...flags, "-o", place, SOURCE]);
}

interface Said {
  readonly text: string;
  readonly end: string;
}

export class NativeScene {
  readonly folder = Deno.makeTempDirSync({ prefix: "openexec-native-" });
  /** What no action is permitted. */
  readonly daemon = join(this.folder, "daemon");
  /** What some are. */
  readonly granted = join(this.folder, "granted");
  readonly program = join(this.folder, "native");
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
    compileNative(this.program, "-static");
  }

  /** A launcher whose executors' program lies beside the daemon's files. */
  async launcher(): Promise<Launcher> {
    this.#launcher ??= await Launcher.open(join(this.folder, "executors"), {
      limits: { requestBytes: 1e6, resultBytes: 1e6 },
      kernel: thisKernel(),
      variable: () => undefined,
    });
    return this.#launcher;
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

  /**
   * The box of a process with these permissions, in which nothing but the native program may be
   * executed beside.
   */
  async box(permissions: Permissions): Promise<Box> {
    const { files } = (await this.launcher()).program;
    const box = boxOf(permissions, files, thisKernel());
    if (box.ruleset === null) return box;
    const native = { path: this.program, rights: FILE_RIGHTS.execute | FILE_RIGHTS.readFile };
    return { ...box, ruleset: { ...box.ruleset, paths: [...box.ruleset.paths, native] } };
  }

  /** What the native program says, started as an executor is, in that box; and how it ended. */
  async run(permissions: Permissions, args: readonly string[]): Promise<Said> {
    const { entrance } = (await this.launcher()).program;
    const box = JSON.stringify(await this.box(permissions));
    const order = {
      path: program.runtime,
      args: ["run", ...FLAGS, "--allow-ffi", entrance, box, this.program, ...args],
      environment: { DENO_DIR: join(entrance, "nowhere") },
    };
    const { stderr, exited, discard } = spawnExecutor(order, permissions);
    let text = "";
    stderr.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
    const end = (await exited).text;
    discard();
    return { text, end };
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
    for (const listener of this.#listeners) listener.close();
    fileCalls().close(this.#abstract);
    this.#sibling.kill("SIGKILL");
    await this.#sibling.status;
    Deno.removeSync(this.folder, { recursive: true });
  }
}

const UNTOUCHED = "untouched";

/** Returns the descriptor of an abstract Unix socket that takes connections. */
function listenOnAbstract(name: string): number {
  const { socket, bind, listen } = socketCalls();
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
