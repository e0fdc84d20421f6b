/**
 * A real daemon, started as a user starts it (`bin/openexec serve`), for tests that speak to it
 * over its real socket.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheOfOther, RUNTIME_CACHE } from "./runtime_cache.ts";
import { signalUnlessEnded } from "./signals.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
export const OPENEXEC = join(ROOT, "bin/openexec");

export interface DaemonOptions {
  /**
   * TOML after the generated head (state_dir, [[sockets]]), or what makes it for a folder; absent:
   * the embedded default.
   */
  readonly config?: string | ((directory: string) => string);
  /** An existing folder to start in again; absent: a fresh one. */
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly arguments?: readonly string[];
  /**
   * A program and its arguments that run the daemon, as a tracer does, in the process that was
   * started.
   */
  readonly wrapper?: readonly string[];
  /** Another copy of bin/openexec. */
  readonly openexec?: string;
  /**
   * The command line of a daemon that was ready here, with the same configuration: the second of
   * the two runs of a start (src/daemon/start.ts). The first costs a quarter of a start.
   */
  readonly secondRun?: readonly string[];
}

/** A running daemon and its folder, which `close` removes unless it was handed in. */
export class Daemon {
  private constructor(
    readonly directory: string,
    private readonly defaultSocket: string,
    readonly process: Deno.ChildProcess,
    readonly output: string[],
    private readonly keep: boolean,
    /**
     * Resolves at the line that says ready; rejects with the daemon's output when it exits before.
     */
    readonly ready: Promise<void>,
  ) {}

  static async start(options: DaemonOptions = {}): Promise<Daemon> {
    const daemon = Daemon.launch(options);
    await daemon.ready;
    return daemon;
  }

  /** Does not wait until it is ready. */
  static launch(options: DaemonOptions = {}): Daemon {
    const directory = options.directory ?? Deno.makeTempDirSync({ prefix: "openexec-test-" });
    const configured = join(directory, "agent.sock");
    const { config } = options;
    if (config !== undefined) {
      writeConfig(directory, configured, typeof config === "string" ? config : config(directory));
    }
    const socket = existsSync(configOf(directory))
      ? configured
      : join(directory, "run/openexec/agent.sock");
    const openexec = options.openexec ?? OPENEXEC;
    const [program, ...args] = options.secondRun ?? [
      ...(options.wrapper ?? []),
      openexec,
      "serve",
      ...(options.arguments ?? []),
    ];
    const process = new Deno.Command(program ?? openexec, {
      args,
      cwd: directory,
      clearEnv: true,
      env: environmentOf(directory, options),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output: string[] = [];
    const ready = Promise.withResolvers<void>();
    void follow(process.stdout, output, ready.resolve);
    void follow(process.stderr, output, () => {});
    void process.status.then(({ code, signal }) =>
      ready.reject(
        new Error(
          `the daemon ended (${signal ?? code}) before it was ready:\n${output.join("\n")}`,
        ),
      )
    );
    ready.promise.catch(() => {}); // whoever waits for it is told
    return new Daemon(
      directory,
      socket,
      process,
      output,
      options.directory !== undefined,
      ready.promise,
    );
  }

  /** The first that it says it listens on. */
  get socket(): string {
    const said = this.output.map((line) => /^listening on (.+) \(/.exec(line)?.[1]);
    return said.find((path) => path !== undefined) ?? this.defaultSocket;
  }

  /** Writes another configuration, for a reload; `config` as in DaemonOptions. */
  configure(config: string): void {
    writeConfig(this.directory, join(this.directory, "agent.sock"), config);
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Sends the signal and waits for the end. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    signalUnlessEnded(this.process, signal);
    return await this.process.status;
  }

  async close(): Promise<void> {
    await this.stop("SIGKILL");
    if (!this.keep) Deno.removeSync(this.directory, { recursive: true });
  }
}

/** Variables of a client command for that daemon. */
export function clientEnvironment(
  { directory, socket }: Pick<Daemon, "directory" | "socket">,
): Record<string, string> {
  return { ...environmentOf(directory, {}), OPENEXEC_SOCKET: socket };
}

/** A client command run to its end, in the environment of that daemon. */
export async function openexec(
  daemon: Pick<Daemon, "directory" | "socket">,
  args: readonly string[],
  stdin = "",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = new Deno.Command(OPENEXEC, {
    args: [...args],
    clearEnv: true,
    env: clientEnvironment(daemon),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

function writeConfig(directory: string, socket: string, rest: string): void {
  const head = rest.includes("[[sockets]]")
    ? ""
    : `[[sockets]]\npath = ${JSON.stringify(socket)}\nrole = "admin"\n`;
  const [top = "", ...tables] = rest.split(/^(?=\[)/m);
  const text = `state_dir = ${JSON.stringify(`${directory}/state`)}\n${top}\n${head}\n${
    tables.join("")
  }`;
  Deno.writeTextFileSync(configOf(directory), text);
}

function configOf(directory: string): string {
  return join(directory, "openexec.toml");
}

function environmentOf(directory: string, options: DaemonOptions): Record<string, string> {
  const config = configOf(directory);
  return {
    PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
    HOME: directory,
    XDG_RUNTIME_DIR: join(directory, "run"),
    XDG_STATE_HOME: join(directory, "state"),
    NO_COLOR: "1",
    ...cacheFor(options.wrapper ?? []),
    ...(options.config !== undefined || existsSync(config) ? { OPENEXEC_CONFIG: config } : {}),
    ...options.env,
  };
}

function cacheFor(wrapper: readonly string[]): Record<string, string> {
  const uids = wrapper.flatMap((argument) => /^--reuid=(\d+)$/.exec(argument)?.[1] ?? []);
  return uids[0] === undefined ? RUNTIME_CACHE : cacheOfOther(uids[0]);
}

/** Collects lines; the line `ready` ends the wait. */
async function follow(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  output: string[],
  onReady: () => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      output.push(line);
      if (/^ready\b/.test(line)) onReady();
    }
  }
}
