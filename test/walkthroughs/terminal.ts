/** Terminals as a reader has them: one to type in, others in which something goes on running. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import process from "node:process";

export interface Surroundings {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Ran {
  /** Standard output and error, in the order they came. */
  readonly printed: string;
  /** Whether any command of it failed, in the middle too. */
  readonly failed: boolean;
}

const END = "the-block-is-done";

/** A shell that lasts: folder and variables of one block are those of the next. */
export class Shell {
  readonly #command: Command;

  constructor(surroundings: Surroundings) {
    this.#command = new Command(["bash", "--noprofile", "--norc"], surroundings);
    this.#command.type("exec 2>&1; set -o pipefail; trap 'failed=1' ERR\n");
  }

  async run(block: string): Promise<Ran> {
    const from = this.#command.printed.length;
    this.#command.type(`failed=0\n${block}\nprintf '\\n%s %s\\n' ${END} "$failed"\n`);
    for (;;) {
      const [printed, end] = this.#command.printed.slice(from).split(`\n${END} `);
      if (printed !== undefined && end?.endsWith("\n")) {
        return { printed, failed: end.trim() !== "0" };
      }
      await this.#command.more();
    }
  }

  close(): Promise<void> {
    return this.#command.close();
  }
}

/** Something that goes on running. */
export class Running {
  readonly #command: Command;

  constructor(block: string, surroundings: Surroundings) {
    this.#command = new Command(
      ["bash", "--noprofile", "--norc", "-c", `exec 2>&1; ${block}`],
      surroundings,
    );
  }

  get printed(): string {
    return this.#command.printed;
  }

  /** Resolves once what it printed is as wanted. Rejects when it ended before. */
  async until(isWanted: (printed: string) => boolean): Promise<void> {
    while (!isWanted(this.printed)) await this.#command.more();
  }

  close(): Promise<void> {
    return this.#command.close();
  }
}

/** A process in a group of its own, which is ended as a whole, and all it printed. */
class Command {
  printed = "";
  readonly #process: ChildProcessWithoutNullStreams;
  #ended = false;
  #change = Promise.withResolvers<void>();

  constructor([program = "", ...args]: readonly string[], { folder, environment }: Surroundings) {
    this.#process = spawn(program, args, { cwd: folder, env: { ...environment }, detached: true });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.printed += text;
        this.#changed();
      });
    }
    this.#process.on("close", () => {
      this.#ended = true;
      this.#changed();
    });
  }

  type(text: string): void {
    this.#process.stdin.write(text);
  }

  /** Resolves when it printed something. Rejects when there will be nothing more. */
  async more(): Promise<void> {
    if (!this.#ended) await this.#change.promise;
    if (this.#ended) throw new Error(`it ended after it had printed:\n${this.printed}`);
  }

  async close(): Promise<void> {
    try {
      if (this.#process.pid !== undefined) process.kill(-this.#process.pid, "SIGTERM");
    } catch {
      // it ended by itself
    }
    while (!this.#ended) await this.#change.promise;
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
