/** A real daemon, started as a user starts it (`bin/openexec serve`), for tests that speak to it over its real socket. */

import { join } from "node:path";

const ROOT = new URL("../../", import.meta.url).pathname;
export const OPENEXEC = join(ROOT, "bin/openexec");

export interface DaemonOptions {
  /** TOML after the generated head (state_dir, [[sockets]]); absent: the embedded default. */
  readonly config?: string;
  /** An existing folder to start in again; absent: a fresh one. */
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly arguments?: readonly string[];
}

/** A running daemon and its folder, which `close` removes unless it was handed in. */
export class Daemon {
  private constructor(
    readonly directory: string,
    readonly socket: string,
    readonly process: Deno.ChildProcess,
    readonly output: string[],
    private readonly keep: boolean,
  ) {}

  /** Resolves at the line that says ready; rejects with the daemon's output when it exits before. */
  static async start(options: DaemonOptions = {}): Promise<Daemon> {
    const directory = options.directory ?? Deno.makeTempDirSync({ prefix: "openexec-test-" });
    const socket = options.config === undefined
      ? join(directory, "run/openexec/agent.sock")
      : join(directory, "agent.sock");
    if (options.config !== undefined) writeConfig(directory, socket, options.config);
    const process = new Deno.Command(OPENEXEC, {
      args: ["serve", ...(options.arguments ?? [])],
      clearEnv: true,
      env: environmentOf(directory, options),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output: string[] = [];
    const ready = Promise.withResolvers<string>();
    void follow(process.stdout, output, ready.resolve);
    void follow(process.stderr, output, () => {});
    void process.status.then(({ code, signal }) =>
      ready.reject(
        new Error(`the daemon ended (${signal ?? code}) before it was ready:\n${output.join("\n")}`),
      )
    );
    const said = await ready.promise;
    return new Daemon(directory, said || socket, process, output, options.directory !== undefined);
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Sends the signal and waits for the end. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    try {
      this.process.kill(signal);
    } catch {
      // it ended by itself
    }
    return await this.process.status;
  }

  async close(): Promise<void> {
    await this.stop("SIGKILL");
    if (!this.keep) Deno.removeSync(this.directory, { recursive: true });
  }
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
    env: { ...environmentOf(daemon.directory, {}), OPENEXEC_SOCKET: daemon.socket },
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
  const head = rest.includes("[[sockets]]") ? "" : `[[sockets]]\npath = "${socket}"\nrole = "admin"\n`;
  const [top = "", ...tables] = rest.split(/^(?=\[)/m);
  const text = `state_dir = "${directory}/state"\n${top}\n${head}\n${tables.join("")}`;
  Deno.writeTextFileSync(join(directory, "openexec.toml"), text);
}

function environmentOf(directory: string, options: DaemonOptions): Record<string, string> {
  const config = join(directory, "openexec.toml");
  return {
    PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
    HOME: directory,
    XDG_RUNTIME_DIR: join(directory, "run"),
    XDG_STATE_HOME: join(directory, "state"),
    NO_COLOR: "1",
    ...(options.config !== undefined || exists(config) ? { OPENEXEC_CONFIG: config } : {}),
    ...options.env,
  };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Collects lines; a line `listening on PATH` names the socket, and `ready` ends the wait. */
async function follow(
  stream: ReadableStream<Uint8Array>,
  output: string[],
  onReady: (socket: string) => void,
): Promise<void> {
  let socket = "";
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      output.push(line);
      socket ||= /^listening on (\S+)/.exec(line)?.[1] ?? "";
      if (/^ready\b/.test(line)) onReady(socket);
    }
  }
}
