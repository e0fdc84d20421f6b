/**
 * A document followed as a reader would: every block is typed, shown to be in the file it names, or
 * compared with what was printed. The words behind a fence say which:
 *
 * - `sh` is typed in the reader's terminal; `sh fails` is, and one of its commands ends with other
 *   than 0; `sh terminal=NAME` is started in a terminal of its own and goes on running;
 * - `sh pane=NAME` is started in a real terminal (tmux), `keys pane=NAME` are pressed there, and
 *   `text pane=NAME` is what its screen shows, waited for;
 * - `text` is what that printed since the block before; `text terminal=NAME` what the other
 *   terminal prints, waited for;
 * - any other language names a file of the checkout that holds exactly these lines;
 * - a fence without a word is a picture, or what needs another machine: nothing is done with it.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Block } from "../docs/markdown.ts";
import { expectLike, isLike, masked, type Places } from "./printed.ts";
import { Pane } from "../support/tmux.ts";
import { until } from "../support/until.ts";
import { Running, Shell, type Surroundings } from "./terminal.ts";

export class Walkthrough {
  readonly #shell: Shell;
  readonly #running = new Map<string, Running>();
  readonly #panes = new Map<string, Pane>();
  readonly #transcript: string[] = [];
  #printed = "";

  constructor(readonly surroundings: Surroundings, readonly places: Places) {
    this.#shell = new Shell(surroundings);
  }

  /** Fails where the document is wrong. */
  async follow(block: Block): Promise<void> {
    const terminal = valueOf(block, "terminal");
    const pane = valueOf(block, "pane");
    if (pane !== undefined) await this.#atPane(block, pane);
    else if (block.language === "sh") await this.#type(block, terminal);
    else if (block.language === "text") await this.#compare(block, terminal);
    else if (block.language !== "") expectInFile(block, this.places.checkout);
  }

  /** What was typed and printed, with what changes from run to run named instead. */
  transcript(): string {
    return masked(this.#transcript.join("\n\n"), this.places);
  }

  async close(): Promise<void> {
    for (const pane of this.#panes.values()) pane.close();
    await Promise.all([this.#shell, ...this.#running.values()].map((terminal) => terminal.close()));
  }

  async #atPane({ language, text, line }: Block, name: string): Promise<void> {
    const { environment } = this.surroundings;
    if (language === "sh") {
      this.#transcript.push(text.replace(/^/gm, `${name}$ `));
      const folder = { cwd: this.places.checkout, columns: 80, rows: 24 };
      this.#panes.set(name, Pane.open(text, { ...folder, env: environment }));
      return;
    }
    const pane = this.#panes.get(name);
    if (pane === undefined) throw new Error(`line ${line}: nothing runs in ${name}`);
    if (language === "keys") {
      this.#transcript.push(`${name}: ${text}`);
      pane.press(...text.split(/\s+/));
    } else {
      await until(() => isLike(pane.screen(), text, this.places));
      this.#transcript.push(pane.screen().trim());
    }
  }

  async #type({ text, words, line }: Block, terminal: string | undefined): Promise<void> {
    this.#transcript.push(text.replace(/^/gm, terminal === undefined ? "$ " : `${terminal}$ `));
    if (terminal !== undefined) {
      const folder = this.places.checkout;
      this.#running.set(terminal, new Running(text, { ...this.surroundings, folder }));
      return;
    }
    const { printed, failed } = await this.#shell.run(text);
    expect(failed, `line ${line}: ${text}\n${printed}`).toBe(words.includes("fails"));
    this.#printed = printed;
    if (printed.trim() !== "") this.#transcript.push(printed.trim());
  }

  async #compare({ text, line }: Block, terminal: string | undefined): Promise<void> {
    if (terminal === undefined) {
      expectLike(this.#printed, text, this.places);
      return;
    }
    const running = this.#running.get(terminal);
    if (running === undefined) throw new Error(`line ${line}: nothing runs in ${terminal}`);
    await running.until((printed) => isLike(printed, text, this.places));
    expectLike(running.printed, text, this.places);
    this.#transcript.push(running.printed.trim());
  }
}

/** The value of a word such as `terminal=NAME` behind a fence. */
function valueOf({ words }: Block, name: string): string | undefined {
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

function expectInFile({ text, words, line }: Block, checkout: string): void {
  const [file = ""] = words;
  expect(file, `line ${line}: the block names no file`).not.toBe("");
  expect(`\n${readFileSync(join(checkout, file), "utf8")}`, `line ${line}`).toContain(
    `\n${text}\n`,
  );
}
