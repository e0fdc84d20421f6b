/**
 * Code as the runtime has the least work with it: JavaScript, kept from start to start (kept_texts.ts), because to load what blanks
 * out types takes longer than all the code it is needed for.
 */

import { utf8Encode } from "../core/encoding.ts";
import { digestOf } from "../core/sha.ts";
import { KeptTexts } from "./kept_texts.ts";
import type { Code } from "./protocol.ts";

export class Scripts {
  /** By the digest of the TypeScript, for the runtime that blanked out its types. */
  readonly #kept: KeptTexts;
  readonly #used = new Map<string, string>();

  /** `file` is the caller's alone, and need not be there. */
  constructor(file: string) {
    this.#kept = new KeptTexts(file, Deno.version.deno);
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
    this.#kept.keep(this.#used);
  }
}

async function withoutTypes(text: string): Promise<string | null> {
  const { stripTypeScriptTypes } = await import("node:module");
  try {
    return stripTypeScriptTypes(text);
  } catch {
    return null;
  }
}
