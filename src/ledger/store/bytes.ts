/**
 * Rows as bytes: big-endian integers, and texts after their length.
 *
 * Invariant: reading is strict. A row that is too short, too long or not UTF-8 is damage, never a
 * default. It refuses with `ledger_unavailable`: the ledger does not answer what it does not know.
 */

import { isUtf8 } from "node:buffer";
import { pooledBytes, type Text, textOf, utf8Decode } from "../../core/bytes.ts";
import { Refusal } from "../../core/errors.ts";

const UINT32 = 2 ** 32;
const ASCII_MAX = 0x7f;
/** Names are short and ASCII: for them a loop is several times as fast as the runtime's encoder. */
const LOOP_MAX = 64;

const encoder = new TextEncoder();

export function damaged(): Refusal {
  return new Refusal(
    "ledger_unavailable",
    "The ledger holds an entry it cannot read; run `openexec audit`.",
  );
}

/** Grows as needed; `finish` returns what was written. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 512) {
    this.#bytes = pooledBytes(capacity);
  }

  /** One byte. */
  u8(value: number): this {
    const at = this.#advance(1);
    this.#bytes[at] = value;
    return this;
  }

  /** Four bytes. */
  u32(value: number): this {
    const at = this.#advance(4);
    for (let i = 0; i < 4; i++) this.#bytes[at + i] = value >>> 24 - 8 * i;
    return this;
  }

  /** Six bytes: milliseconds since 1970, counts and log indexes. */
  u48(value: number): this {
    const high = Math.floor(value / UINT32);
    return this.u8(high >>> 8).u8(high).u32(value % UINT32);
  }

  bytes(value: Uint8Array): this {
    const at = this.#advance(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** The length in four bytes, then UTF-8. */
  text(value: Text): this {
    if (typeof value !== "string") return this.u32(value.length).bytes(value);
    const start = this.#advance(4 + 3 * value.length);
    const length = this.#write(value, start + 4);
    this.#length = start;
    this.u32(length);
    this.#length += length;
    return this;
  }

  /** An even number of lower-case hex digits, two to a byte. */
  hex(value: string): this {
    const at = this.#advance(value.length / 2);
    this.#bytes.subarray(at).setFromHex(value);
    return this;
  }

  finish(): Uint8Array {
    const isFull = this.#length === this.#bytes.length;
    return isFull ? this.#bytes : this.#bytes.subarray(0, this.#length);
  }

  #write(value: string, at: number): number {
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > ASCII_MAX || i > LOOP_MAX) {
        return encoder.encodeInto(value, this.#bytes.subarray(at)).written;
      }
      this.#bytes[at + i] = code;
    }
    return value.length;
  }

  #advance(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(): number {
    return this.#bytes[this.#advance(1)] ?? 0;
  }

  u32(): number {
    return this.u8() * 2 ** 24 + (this.u8() << 16 | this.u8() << 8 | this.u8());
  }

  u48(): number {
    return (this.u8() << 8 | this.u8()) * UINT32 + this.u32();
  }

  /** Returns a copy. */
  bytes(length: number): Uint8Array {
    return this.view(length).slice();
  }

  /** Returns a part of the row itself. */
  view(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    const text = utf8Decode(this.view(this.u32()));
    if (text === undefined) throw damaged();
    return text;
  }

  /** A canonical text; a long one is a part of the row itself. */
  canonical(): Text {
    const bytes = this.view(this.u32());
    const text = textOf(bytes);
    if (text === undefined || (text === bytes && !isUtf8(bytes))) throw damaged();
    return text;
  }

  hex(byteLength: number): string {
    return this.view(byteLength).toHex();
  }

  /** Returns the rest of the row itself. */
  rest(): Uint8Array {
    return this.view(this.#bytes.length - this.#at);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Ends the reading: bytes that were not read are damage. */
  end(): void {
    if (!this.isAtEnd) throw damaged();
  }

  #advance(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw damaged();
    this.#at = at + length;
    return at;
  }
}
