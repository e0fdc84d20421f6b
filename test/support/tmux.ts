/** A real terminal with a person at it: a pane of a tmux server of its own. */

import { execFileSync } from "node:child_process";
import { until } from "./until.ts";

/** No screen shows it. */
const BETWEEN = "[the same, with wrapped lines joined]";

export interface PaneOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class Pane {
  private constructor(private readonly server: string) {}

  /** Runs a command line of sh. The pane stays when it ended, and its last line says how. */
  static open(command: string, options: PaneOptions = {}): Pane {
    const { columns = 80, rows = 24, cwd = "/", env = {} } = options;
    const server = `openexec-test-${crypto.randomUUID()}`;
    const pane = new Pane(server);
    const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    pane.#tmux([
      "-f",
      "/dev/null",
      "new-session",
      "-d",
      ...["-x", String(columns), "-y", String(rows), "-c", cwd],
      ...variables,
      `sh -c '${command.replaceAll("'", `'\\''`)}'; echo "[ended $?]"; exec cat`,
    ]);
    return pane;
  }

  /** Types keys by tmux's names, such as "y", "Enter" and "C-c". */
  press(...keys: readonly string[]): void {
    this.#tmux(["send-keys", ...keys]);
  }

  /** Types a text as it is. */
  type(text: string): void {
    this.#tmux(["send-keys", "-l", text]);
  }

  resize(columns: number, rows: number): void {
    this.#tmux(["resize-window", "-x", String(columns), "-y", String(rows)]);
  }

  /** What is on the screen, one line a row. */
  screen(): string {
    return this.#tmux(["capture-pane", "-p"]);
  }

  /** All that was on it, with what scrolled away; wrapped lines are joined. */
  history(): string {
    return this.#tmux(["capture-pane", "-p", "-J", "-S", "-"]);
  }

  /** Resolves with the screen once it shows this, which may be on a line that was wrapped. */
  async shows(what: string | RegExp): Promise<string> {
    let screen = "";
    await until(() => {
      const found = this.#screens().find((text) =>
        typeof what === "string" ? text.includes(what) : what.test(text)
      );
      screen = found ?? "";
      return found !== undefined;
    });
    return screen;
  }

  /** What is on the screen, with its lines as they are wrapped and with them joined. */
  #screens(): string[] {
    const wrapped = ["capture-pane", "-p"];
    return this.#tmux([...wrapped, ";", "display-message", "-p", BETWEEN, ";", ...wrapped, "-J"])
      .split(`${BETWEEN}\n`);
  }

  close(): void {
    try {
      this.#tmux(["kill-server"]);
    } catch {
      // it ended by itself
    }
  }

  #tmux(args: readonly string[]): string {
    const environment = { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", LANG: "C.UTF-8" };
    return execFileSync("tmux", ["-u", "-L", this.server, ...args], {
      encoding: "utf8",
      env: { ...environment, TERM: "screen" },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }
}
