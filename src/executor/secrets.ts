/**
 * Secrets of an action: read once at start, given to that action's handlers alone, and removed from
 * whatever comes back.
 *
 * The scrubber finds the secret itself, its longer lines, and their base64 (both alphabets, also
 * inside of a longer encoded text) and URL-encoded forms. A handler that transforms a secret in
 * another way, or cuts it up, is not found out.
 */

import { isArray } from "../core/json/json.ts";
import { base64Encode, utf8Decode, utf8Encode } from "../core/bytes.ts";
import { requireRegularFile } from "../os/regular_file.ts";
import { StartupError } from "../core/startup_error.ts";
import type { Json } from "../core/types.ts";

/** Name to text. */
export type Secrets = ReadonlyMap<string, string>;

/**
 * `files` is name to path. One line break at the end of a file is not part of the secret. Throws a
 * StartupError.
 */
export async function readSecrets(files: ReadonlyMap<string, string>): Promise<Secrets> {
  const secrets = new Map<string, string>();
  for (const [name, file] of files) {
    const text = utf8Decode(await readFile(name, file))?.replace(/\r?\n$/, "");
    if (text === undefined) throw refuse(name, "It is not UTF-8; store it as base64");
    if (text.length < LENGTH_MIN) throw refuse(name, `It has fewer than ${LENGTH_MIN} characters`);
    secrets.set(name, text);
  }
  return secrets;
}

/** Shorter ones are guessed anyway, and taking them out would take half of every text along. */
const LENGTH_MIN = 4;

async function readFile(name: string, file: string): Promise<Uint8Array> {
  try {
    requireRegularFile(file);
    return await Deno.readFile(file);
  } catch {
    throw refuse(name, `Put it where the daemon can read it: ${file}`);
  }
}

function refuse(name: string, remedy: string): StartupError {
  return new StartupError(`The secret ${name} cannot be used`, remedy);
}

/**
 * The pattern has the beginning of each form, and of so many at most. The runtime refuses a longer
 * one as "regular expression too large", and quotes it.
 */
const START_LENGTH = 16;
const STARTS_MAX = 4_096;

/** Takes secrets out of what comes back. Replaces every secret by `[secret NAME]`. */
export class Scrubber {
  /** Longest first, so that no part of one is taken out before the whole. */
  readonly #forms: readonly { readonly form: string; readonly mark: string }[];
  /** Finds where any of them may begin: most texts have none. null where there are too many. */
  readonly #starts: RegExp | null;

  constructor(secrets: Secrets) {
    this.#forms = [...secrets]
      .flatMap(([name, secret]) =>
        formsOf(secret).map((form) => ({ form, mark: `[secret ${name}]` }))
      )
      .sort((a, b) => b.form.length - a.form.length);
    const starts = new Set(this.#forms.map(({ form }) => form.slice(0, START_LENGTH)));
    this.#starts = starts.size > STARTS_MAX
      ? null
      : new RegExp(Array.from(starts, RegExp.escape).join("|"));
  }

  get idle(): boolean {
    return this.#forms.length === 0;
  }

  text(text: string): string {
    if (this.#starts?.test(text) === false) return text;
    return this.#forms.reduce((clean, { form, mark }) => clean.replaceAll(form, () => mark), text);
  }

  /** The same for every text in a value, names of members and digits of numbers included. */
  value(value: Json): Json {
    if (typeof value === "string") return this.text(value);
    if (typeof value === "number") {
      const clean = this.text(String(value));
      return clean === String(value) ? value : clean;
    }
    if (typeof value !== "object" || value === null) return value;
    if (isArray(value)) return value.map((item) => this.value(item));
    const members = Object.entries(value).map((
      [name, item],
    ) => [this.text(name), this.value(item)]);
    return Object.fromEntries(members);
  }
}

/**
 * A text this short, made by encoding, would be found in what has nothing to do with the secret.
 */
const ENCODED_LENGTH_MIN = 6;
const LINE_LENGTH_MIN = 16;

function formsOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= LINE_LENGTH_MIN);
  const encoded = [secret, ...lines].flatMap((
    part,
  ) => [...base64FormsOf(part), ...urlFormsOf(part)]);
  return [
    ...new Set([secret, ...lines, ...encoded.filter((form) => form.length >= ENCODED_LENGTH_MIN)]),
  ];
}

/**
 * Returns the texts that base64 of any text around `part` contains: it may start at each of three
 * offsets in a group of bytes, and characters that also depend on what stands around it are left
 * out.
 */
function base64FormsOf(part: string): string[] {
  const bytes = utf8Encode(part);
  const texts = [0, 1, 2].map((offset) => {
    const shifted = new Uint8Array(offset + bytes.length);
    shifted.set(bytes, offset);
    return base64Encode(shifted).slice(
      Math.ceil(offset * 8 / 6),
      Math.floor((offset + bytes.length) * 8 / 6),
    );
  });
  return texts.flatMap((text) => [text, text.replaceAll("+", "-").replaceAll("/", "_")]);
}

/**
 * Encodes it as a component of a URL and as a form field, with either case of hexadecimal digits.
 */
function urlFormsOf(part: string): string[] {
  if (!part.isWellFormed()) return [];
  const component = encodeURIComponent(part);
  const form = new URLSearchParams({ "": part }).toString().slice(1);
  return [component, form, component.replaceAll("%20", "+")]
    .flatMap((text) => [text, text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())]);
}
