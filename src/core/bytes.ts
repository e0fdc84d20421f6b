/**
 * Bytes as text and back: UTF-8 (RFC 3629), base64 (RFC 4648 sections 4 and 5) and hex.
 *
 * Decoders return undefined for anything that has a second spelling, so that one value has one text per alphabet: what a
 * signature covers cannot be written in two ways.
 */

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Several times as fast, and whatever is not well-formed leaves a replacement character behind. */
const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const REPLACEMENT = "\ufffd";

export function utf8Encode(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** undefined when `bytes` are not well-formed UTF-8. A byte-order mark is kept as U+FEFF. */
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

/** The runtime's own (ES2026), which Node 20 lacks; receipts and answers are encoded all day. */
const nativeBase64: ((this: Uint8Array) => string) | undefined = Uint8Array.prototype.toBase64;
const nativeHex: ((this: Uint8Array) => string) | undefined = Uint8Array.prototype.toHex;
const nativeFromHex: ((text: string) => Uint8Array<ArrayBuffer>) | undefined = Uint8Array.fromHex;

/** Standard alphabet, padded. */
export function base64Encode(bytes: Uint8Array): string {
  return nativeBase64 === undefined ? portableBase64(bytes) : nativeBase64.call(bytes);
}

/** The same, for runtimes without it. */
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
 * Standard or URL-safe alphabet, but not both in one text; padding whole or absent. undefined for anything else, white
 * space and unused bits that are not zero included.
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

/** Lower case. */
export function hexEncode(bytes: Uint8Array): string {
  return nativeHex === undefined ? portableHex(bytes) : nativeHex.call(bytes);
}

/** The same, for runtimes without it. */
export function portableHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

const HEX = /^(?:[0-9a-f]{2})*$/;

/** undefined unless pairs of lower-case digits. */
export function hexDecode(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!HEX.test(text)) return undefined;
  return nativeFromHex === undefined ? portableFromHex(text) : nativeFromHex.call(Uint8Array, text);
}

/** The same for pairs of digits, for runtimes without it. */
export function portableFromHex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Same length, same bytes. Not constant-time: for public values only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
