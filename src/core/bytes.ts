/**
 * Bytes: as text and back (UTF-8 by RFC 3629, base64 by RFC 4648 sections 4 and 5, hex), joined,
 * gathered from pieces, and written whole.
 *
 * Decoders return undefined for text that is not the one spelling of its value in an alphabet.
 * Otherwise the same signature could be presented in two texts.
 */

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Several times as fast as the strict one. Malformed input leaves a replacement character. */
const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const REPLACEMENT = "\ufffd";

export function utf8Encode(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Returns undefined when `bytes` are not well-formed UTF-8. Keeps a byte-order mark as U+FEFF. */
export function utf8Decode(bytes: Uint8Array): string | undefined {
  const text = lenientDecoder.decode(bytes);
  if (!text.includes(REPLACEMENT)) return text;
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SHARED = 62;

/** The runtime's own functions (ES2026), which Node 20 lacks. */
const nativeBase64: ((this: Uint8Array) => string) | undefined = Uint8Array.prototype.toBase64;
const nativeHex: ((this: Uint8Array) => string) | undefined = Uint8Array.prototype.toHex;
const nativeSetFromHex: ((this: Uint8Array, text: string) => unknown) | undefined =
  Uint8Array.prototype.setFromHex;

/** Encodes in the standard alphabet, padded. */
export function base64Encode(bytes: Uint8Array): string {
  return nativeBase64 === undefined ? portableBase64(bytes) : nativeBase64.call(bytes);
}

/** Encodes in the URL-safe alphabet, without padding. */
export function base64UrlEncode(bytes: Uint8Array): string {
  return base64Encode(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Does what base64Encode does, for runtimes without toBase64. */
export function portableBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = (bytes[i] ?? 0) << 16 | (bytes[i + 1] ?? 0) << 8 | (bytes[i + 2] ?? 0);
    text += BASE64.charAt(group >> 18) + BASE64.charAt(group >> 12 & 63) +
      (left > 1 ? BASE64.charAt(group >> 6 & 63) : "=") +
      (left > 2 ? BASE64.charAt(group & 63) : "=");
  }
  return text;
}

const NOT_BASE64 = 255;

function tableOf(last: string): Uint8Array {
  const table = new Uint8Array(128).fill(NOT_BASE64);
  const alphabet = BASE64.slice(0, SHARED) + last;
  for (let i = 0; i < alphabet.length; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
}

const standard = tableOf("+/");
const urlSafe = tableOf("-_");

/**
 * Decodes the standard or the URL-safe alphabet, but not both in one text, with all of the padding
 * or none. Returns undefined for anything else, such as white space or unused bits that are set.
 */
export function base64Decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  const end = unpaddedLength(text);
  if (end === undefined || end % 4 === 1) return undefined;
  const table = text.includes("-") || text.includes("_") ? urlSafe : standard;
  const bytes = new Uint8Array(Math.floor(end * 3 / 4));
  let pending = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < end; i++) {
    const sextet = table[text.charCodeAt(i)] ?? NOT_BASE64;
    if (sextet === NOT_BASE64) return undefined;
    pending = (pending << 6 | sextet) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = pending >> bits & 0xff;
  }
  return (pending & (1 << bits) - 1) === 0 ? bytes : undefined;
}

function unpaddedLength(text: string): number | undefined {
  if (!text.endsWith("=")) return text.length;
  return text.length % 4 === 0 ? text.length - (text.endsWith("==") ? 2 : 1) : undefined;
}

/** Encodes as lower-case hex. */
export function hexEncode(bytes: Uint8Array): string {
  return nativeHex === undefined ? portableHex(bytes) : nativeHex.call(bytes);
}

/** Does what hexEncode does, for runtimes without toHex. */
export function portableHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

const HEX = /^(?:[0-9a-f]{2})*$/;

/** Gives undefined unless `text` is pairs of lower-case hex digits; else a pooledBytes() array. */
export function hexDecode(text: string): Uint8Array | undefined {
  if (!HEX.test(text)) return undefined;
  if (nativeSetFromHex === undefined) return portableFromHex(text);
  const bytes = pooledBytes(text.length / 2);
  nativeSetFromHex.call(bytes, text);
  return bytes;
}

/** Does what hexDecode does with valid text, for runtimes without fromHex. */
export function portableFromHex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Reads a number, the most significant byte first. */
export function bigEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x0${hexEncode(bytes)}`);
}

/** Compares public values only: the time it takes depends on them. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

type Parts = readonly Uint8Array[];

export function concatBytes(...parts: Parts): Uint8Array<ArrayBuffer> {
  return joined(parts, (length) => new Uint8Array(length));
}

function joined<T extends Uint8Array>(parts: Parts, make: (length: number) => T): T {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = make(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Longer arrays are their own: the rest of a block would be lost. */
const POOLED_MAX = 1024;
const BLOCK_BYTES = 8 * 1024;

let block = new Uint8Array(0);
let used = 0;

/**
 * Returns `length` zeros, a short array as a part of a block that others have parts of as well. The
 * runtime takes some 3 microseconds to make and collect an array of its own, and 0.2 for a part.
 * Its `buffer` is the block: never transfer it, which the type forbids, nor hand it out. Not for
 * keys, and not to keep many of for long: one part keeps the whole block.
 */
export function pooledBytes(length: number): Uint8Array {
  if (length > POOLED_MAX) return new Uint8Array(length);
  if (used + length > block.length) {
    block = new Uint8Array(BLOCK_BYTES);
    used = 0;
  }
  used += length;
  return block.subarray(used - length, used);
}

/** Does what concatBytes() does, as pooledBytes() makes arrays. */
export function pooledConcat(...parts: Parts): Uint8Array {
  return joined(parts, pooledBytes);
}

/** Returns a copy, as pooledBytes() makes arrays. */
export function pooledCopy(bytes: Uint8Array): Uint8Array {
  return pooledConcat(bytes);
}

/** Returns the UTF-8 of a text, as pooledBytes() makes arrays where the text is short. */
export function pooledUtf8(text: string): Uint8Array {
  if (3 * text.length > POOLED_MAX) return encoder.encode(text);
  const room = pooledBytes(3 * text.length);
  const { written } = encoder.encodeInto(text, room);
  used -= room.length - written; // nothing came in between
  return room.subarray(0, written);
}

const NOTHING = new Uint8Array();

/**
 * Gathers bytes that come in pieces into one array. A sender of many tiny pieces costs two bytes of
 * memory for each byte at most; a list of the pieces would cost an object for each.
 *
 * Invariants: it never holds more than `bytesMax`, and it writes to arrays of its own only. The
 * first piece is borrowed until a second comes, so its sender must not write to it again.
 */
export class GatheredBytes {
  readonly #bytesMax: number;
  readonly #bytesExpected: number;
  /** Borrowed while it is full; its first `#length` bytes count. */
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  /** The second piece makes room for `bytesExpected`, where that is known; else room doubles. */
  constructor(bytesMax: number, bytesExpected = 0) {
    this.#bytesMax = bytesMax;
    this.#bytesExpected = bytesExpected;
  }

  get length(): number {
    return this.#length;
  }

  /** Returns false, and adds nothing, where it would be more than `bytesMax`. */
  add(piece: Uint8Array): boolean {
    const length = this.#length + piece.length;
    if (length > this.#bytesMax) return false;
    if (this.#length === 0) {
      this.#bytes = piece;
    } else {
      if (length > this.#bytes.length) this.#grow(length);
      this.#bytes.set(piece, this.#length);
    }
    this.#length = length;
    return true;
  }

  /** Returns everything, without a copy: add nothing afterwards. */
  whole(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(length: number): void {
    const room = Math.max(length, this.#bytesExpected, 2 * this.#bytes.length);
    const bytes = new Uint8Array(Math.min(room, this.#bytesMax));
    bytes.set(this.whole());
    this.#bytes = bytes;
  }
}

/** From this length on a text is kept as UTF-8: to decode and encode it again holds the loop. */
const LONG_BYTES = 16 * 1024;

/** A canonical text (RFC 8785); as UTF-8 where it is long. */
export type Text = string | Uint8Array;

/** Returns undefined for a short text that is not well-formed UTF-8. */
export function textOf(bytes: Uint8Array): Text | undefined {
  return bytes.length < LONG_BYTES ? utf8Decode(bytes) : bytes;
}

/** Returns the UTF-8 of a text, which may be its own. */
export function bytesOf(text: Text): Uint8Array {
  return typeof text === "string" ? pooledUtf8(text) : text;
}

export function isSameText(a: Text, b: Text): boolean {
  return a === b || equalBytes(bytesOf(a), bytesOf(b));
}

export function stringOf(text: Text): string {
  return typeof text === "string" ? text : utf8Decode(text) ?? "";
}

/** Takes as many bytes as it has room for, and says how many. */
export interface ByteStream {
  write(bytes: Uint8Array): Promise<number>;
}

/** Writes all of `bytes`, in as many steps as the stream needs. */
export async function writeAll(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
}

/** Does what writeAll does, without giving way to anything else meanwhile. */
export function writeAllSync(
  stream: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
}
