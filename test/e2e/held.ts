/** A real daemon whose handlers a test starts, holds and lets go, and that it may kill and start again. */

import { createHash } from "node:crypto";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call, type HttpAnswer } from "../support/http.ts";
import { argumentsOf } from "../support/processes.ts";
import { until } from "../support/until.ts";

const handler = new URL("handlers/hold.ts", import.meta.url).pathname;
const digest = `sha256:${createHash("sha256").update(Deno.readFileSync(handler)).digest("hex")}`;

export type How = "end" | "hold" | "spin";
export type Approved = ReturnType<Approver["approve"]>;

export interface HeldOptions {
  /** Each costs a start a process. `again` is as `once`, and declared to run again. */
  readonly actions?: readonly ("once" | "again")[];
  readonly concurrency?: number;
  readonly timeout?: string;
  /** TOML before the first table, and tables. */
  readonly top?: string;
  readonly tables?: string;
  /** Where the state goes, instead of a folder of its own. */
  readonly directory?: string;
}

export class Held implements AsyncDisposable {
  daemon: Daemon;
  readonly #approver: Approver;
  #secondRun: readonly string[];

  private constructor(daemon: Daemon, approver: Approver, readonly marks: string) {
    this.daemon = daemon;
    this.#approver = approver;
    this.#secondRun = argumentsOf(daemon.pid);
  }

  static async start({ directory, ...options }: HeldOptions = {}): Promise<Held> {
    const approver = new Approver("alice");
    const marks = Deno.makeTempDirSync({ prefix: "openexec-marks-" });
    const daemon = await Daemon.start({
      config: configOf(approver, marks, options),
      ...(directory === undefined ? {} : { directory }),
    });
    return new Held(daemon, approver, marks);
  }

  /** On the same state; the last daemon has to have ended. */
  async startAgain(options?: HeldOptions): Promise<void> {
    const start = options === undefined
      ? { secondRun: this.#secondRun }
      : { config: configOf(this.#approver, this.marks, options) };
    this.daemon = await Daemon.start({ directory: this.daemon.directory, ...start });
    this.#secondRun = argumentsOf(this.daemon.pid);
  }

  async killAndStartAgain(options?: HeldOptions): Promise<void> {
    await this.daemon.stop("SIGKILL");
    await this.startAgain(options);
  }

  approve(
    action: "once" | "again",
    label: string,
    how: How,
    claims: Record<string, unknown> = {},
  ): Approved {
    return this.#approver.approve(
      request(action, { folder: this.marks, label, how }, `n-${label}`),
      claims,
    );
  }

  send(approved: Approved, headers: Record<string, string> = {}): Promise<HttpAnswer> {
    return call(this.daemon.socket, "POST", "/execute", approved, headers);
  }

  /**
   * Sends it again while no executor can be had, which claims nothing: one that was ended before it
   * was ready counts as a start that failed.
   */
  async sendUntilTaken(approved: Approved): Promise<HttpAnswer> {
    let answer = await this.send(approved);
    await until(async () => {
      if (answer.status === 503) answer = await this.send(approved);
      return answer.status !== 503;
    });
    return answer;
  }

  get(path: string): Promise<HttpAnswer> {
    return call(this.daemon.socket, "GET", path);
  }

  /** Idempotency keys of all starts under that label. */
  starts(label: string): string[] {
    const names = Array.from(Deno.readDirSync(this.marks), ({ name }) => name.split("."));
    return names.flatMap(([of, key = "", , ...rest]) =>
      of === label && rest.length === 0 ? [key] : []
    )
      .filter((key) => key !== "go");
  }

  started(label: string, times = 1): Promise<void> {
    return until(() => this.starts(label).length >= times);
  }

  letGo(label: string): void {
    Deno.writeTextFileSync(`${this.marks}/${label}.go`, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.stop("SIGKILL");
    Deno.removeSync(this.daemon.directory, { recursive: true });
    Deno.removeSync(this.marks, { recursive: true });
  }
}

function configOf(approver: Approver, marks: string, options: HeldOptions): string {
  const { actions = ["once", "again"], concurrency = 4, timeout = "5m" } = options;
  const { top = "", tables = "" } = options;
  const action = `module = "${handler}"
digest = "${digest}"
concurrency = ${concurrency}
timeout = "${timeout}"
allow = { read = ["${marks}"], write = ["${marks}"] }`;
  const once = `[actions.once]\n${action}`;
  const again = `[actions.again]\n${action}\nidempotent = true\non_interrupt = "rerun"`;
  const tablesOf = { once, again };
  return `executor_id = "openexec:test"
${top}
${approver.toml()}
${actions.map((name) => tablesOf[name]).join("\n")}
${tables}
`;
}

/** Executor processes that work for that state directory, of whatever daemon: their import map lies in it. */
export function executorsOf(directory: string): number[] {
  const map = `${directory}/state/executors/import_map.json`;
  return Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name))
    .filter((pid) => Number.isInteger(pid) && commandLine(pid).includes(map));
}

/** Of a zombie it is empty. */
function commandLine(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  } catch {
    return "";
  }
}
