/**
 * Looks for what must not be there: bytes, in every way in which they may have been written down.
 */

import { Buffer } from "node:buffer";
import { join } from "node:path";

/** By name: texts as UTF-8, or bytes. */
export type Needles = Readonly<Record<string, string | Uint8Array>>;

/** `NAME in FILE` for every needle that a file below `folder` holds, every byte of it looked at. */
export function tracesIn(folder: string, needles: Needles): string[] {
  return filesBelow(folder).flatMap(({ path, bytes }) =>
    tracesInText(bytes.toString("latin1"), needles).map((name) => `${name} in ${path}`)
  );
}

/** Names of the needles that `text` holds; bytes as the characters of their numbers. */
export function tracesInText(text: string, needles: Needles): string[] {
  return Object.entries(needles)
    .filter(([, needle]) =>
      spellings(Buffer.from(needle)).some((spelling) => text.includes(spelling))
    )
    .map(([name]) => name);
}

/** Raw, as UTF-16, in hexadecimal digits, and in base64 of whatever they may be a part of. */
function spellings(bytes: Buffer): string[] {
  const hex = bytes.toString("hex");
  return [
    bytes.toString("latin1"),
    Buffer.from(bytes.toString("latin1"), "utf16le").toString("latin1"),
    hex,
    hex.toUpperCase(),
    ...[0, 1, 2].flatMap((offset) => base64At(bytes, offset)),
  ];
}

/**
 * What base64 has of `bytes` that stand at `offset` in a group of three; characters shared with
 * neighbours are left out.
 */
function base64At(bytes: Buffer, offset: number): string[] {
  const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
  const text = shifted.toString("base64").slice(
    Math.ceil(offset * 8 / 6),
    Math.floor(shifted.length * 8 / 6),
  );
  return [text, text.replaceAll("+", "-").replaceAll("/", "_")];
}

function filesBelow(folder: string): { path: string; bytes: Buffer }[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory, isFile }) => {
    const path = join(folder, name);
    if (isDirectory) return filesBelow(path);
    return isFile ? read(path) : [];
  });
}

/** A daemon at work removes files. */
function read(path: string): { path: string; bytes: Buffer }[] {
  try {
    return [{ path, bytes: Buffer.from(Deno.readFileSync(path)) }];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
