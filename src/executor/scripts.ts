/**
 * Code as the runtime has the least work with it: JavaScript, kept from start to start, because to load what blanks out types
 * takes longer than all the code it is needed for.
 *
 * Invariant: what was kept is used only as it was written, for the very text it was made from, under the runtime that made it.
 * Anything else, a file that was cut short among it, is made anew.
 */

import { utf8Encode } from "../core/encoding.ts";
import { digestOf } from "../core/sha.ts";
import { array, members, string } from "../core/shape.ts";
import type { Code } from "./protocol.ts";

const isKept = members({
  runtime: string,
  /** `source` and `digest` are those of the TypeScript and of the script. */
  scripts: array(members({ source: string, digest: string, script: string })),
});

export class Scripts {
  readonly #kept: ReadonlyMap<string, string>;
  /** By the digest of the TypeScript. */
  readonly #used = new Map<string, string>();

  /** `file` is the caller's alone, and need not be there. */
  constructor(private readonly file: string) {
    this.#kept = read(file);
  }

  /**
   * The same code in JavaScript, each line where it was. Code as it is, where it is JavaScript already or has syntax that is more
   * than types, such as enums, which is left to the runtime.
   */
  async of({ text, language }: Code): Promise<Code> {
    if (language === "javascript") return { text, language };
    const source = digestOf(utf8Encode(text));
    const script = this.#used.get(source) ?? this.#kept.get(source) ?? await withoutTypes(text);
    if (script === null) return { text, language };
    this.#used.set(source, script);
    return { text: script, language: "javascript" };
  }

  /** Keeps what was asked for, and nothing else. */
  keep(): void {
    const isKnown = [...this.#used.keys()].every((source) => this.#kept.has(source));
    if (isKnown && this.#used.size === this.#kept.size) return;
    const scripts = Array.from(
      this.#used,
      ([source, script]) => ({ source, digest: digest(script), script }),
    );
    Deno.writeTextFileSync(this.file, JSON.stringify({ runtime: Deno.version.deno, scripts }), {
      mode: 0o600,
    });
  }
}

function read(file: string): ReadonlyMap<string, string> {
  try {
    const kept: unknown = JSON.parse(Deno.readTextFileSync(file));
    if (!isKept(kept) || kept.runtime !== Deno.version.deno) return new Map();
    const whole = kept.scripts.filter((entry) => entry.digest === digest(entry.script));
    return new Map(whole.map(({ source, script }) => [source, script]));
  } catch {
    return new Map();
  }
}

function digest(script: string): string {
  return digestOf(utf8Encode(script));
}

async function withoutTypes(text: string): Promise<string | null> {
  const { stripTypeScriptTypes } = await import("node:module");
  try {
    return stripTypeScriptTypes(text);
  } catch {
    return null;
  }
}
