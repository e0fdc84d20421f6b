/** Client processes that work against the daemon of a crash campaign, and what they were told. */

import { signalUnlessEnded } from "../support/signals.ts";
import { until } from "../support/until.ts";
import type { Told } from "./daemon_client.ts";

const PROGRAM = new URL("daemon_client.ts", import.meta.url).pathname;

export class Clients {
  readonly answers: Told[] = [];

  private constructor(private readonly processes: readonly Process[], readonly approvers: string) {}

  /** `folder` holds what their requests leave behind. They wait for `begin`. */
  static async start(count: number, folder: string): Promise<Clients> {
    const processes = Array.from(
      { length: count },
      (_, number) => new Process(`client${number}`, folder),
    );
    const approvers = await Promise.all(processes.map(({ lines }) => next<string>(lines)));
    return new Clients(processes, approvers.join("\n"));
  }

  async begin(socket: string): Promise<void> {
    for (const process of this.processes) {
      await process.write(`${socket}\n`);
      void process.collect(this.answers);
    }
  }

  /** Resolves when they were told the end of `count` more requests. */
  async told(count: number): Promise<void> {
    const wanted = this.answers.length + count;
    await until(() => this.answers.length >= wanted);
  }

  /** They finish the requests they are at; a daemon has to answer. */
  async end(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.end()));
  }

  kill(): void {
    for (const process of this.processes) process.kill();
  }
}

class Process {
  readonly lines: AsyncGenerator<string>;
  readonly #child: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #collected: Promise<void> | undefined;

  constructor(name: string, folder: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", PROGRAM, name, folder],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#orders = this.#child.stdin.getWriter();
    this.lines = linesOf(this.#child.stdout);
  }

  write(text: string): Promise<void> {
    return this.#orders.write(new TextEncoder().encode(text));
  }

  collect(told: Told[]): Promise<void> {
    return this.#collected ??= (async () => {
      for await (const line of this.lines) told.push(JSON.parse(line));
    })();
  }

  /** Rejects when it did not end as it should. */
  async end(): Promise<void> {
    await this.#orders.close();
    const { code } = await this.#child.status;
    await this.#collected;
    if (code !== 0) throw new Error(`a client ended with exit code ${code}`);
  }

  kill(): void {
    signalUnlessEnded(this.#child, "SIGKILL");
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

async function next<T>(lines: AsyncGenerator<string>): Promise<T> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error("a client ended before it began");
  return JSON.parse(value);
}
