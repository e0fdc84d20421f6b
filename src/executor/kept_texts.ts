/**
 * Texts kept in a file from start to start, because to make them takes longer than to read them.
 *
 * Invariant: what was kept is used only as it was written, under the name and in the circumstances that it was made in. Anything
 * else, a file that was cut short among it, counts as if it had not been kept.
 */

import { utf8Encode } from "../core/encoding.ts";
import { digestOf } from "../core/sha.ts";
import { array, members, string } from "../core/shape.ts";

const isKept = members({
  circumstances: string,
  texts: array(members({ name: string, digest: string, text: string })),
});

export class KeptTexts {
  readonly #kept: ReadonlyMap<string, string>;

  /** `file` is the caller's alone, and need not be there. `circumstances`: what else the texts depend on, but their names. */
  constructor(private readonly file: string, private readonly circumstances: string) {
    this.#kept = read(file, circumstances);
  }

  get(name: string): string | undefined {
    return this.#kept.get(name);
  }

  /** Keeps these, by name, and no others. */
  keep(texts: ReadonlyMap<string, string>): void {
    if (texts.size === this.#kept.size && texts.keys().every((name) => this.#kept.has(name))) {
      return;
    }
    const { circumstances } = this;
    const kept = {
      circumstances,
      texts: Array.from(texts, ([name, text]) => ({ name, digest: textDigest(text), text })),
    };
    Deno.writeTextFileSync(this.file, JSON.stringify(kept), { mode: 0o600 });
  }
}

function read(file: string, circumstances: string): ReadonlyMap<string, string> {
  try {
    const kept: unknown = JSON.parse(Deno.readTextFileSync(file));
    if (!isKept(kept) || kept.circumstances !== circumstances) return new Map();
    const whole = kept.texts.filter(({ digest, text }) => digest === textDigest(text));
    return new Map(whole.map(({ name, text }) => [name, text]));
  } catch {
    return new Map();
  }
}

function textDigest(text: string): string {
  return digestOf(utf8Encode(text));
}
