/**
 * Canonical JSON while it is printed as UTF-8, and the order of an object's members (RFC 8785
 * section 3.2.3), found in what was printed.
 */

import { BACKSLASH, COMMA, escapedUnit, escapeLength } from "./json_grammar.ts";

/** A printed member: its quoted key, a colon and its value. Offsets into the output. */
export interface Member {
  readonly from: number;
  readonly keyTo: number;
  readonly to: number;
}

/** Fewer bytes are copied one by one, which is cheaper to begin. */
const SHORT_COPY = 32;

export class CanonicalOutput {
  #bytes: Uint8Array;
  #length = 0;

  constructor(bytesExpected: number) {
    this.#bytes = new Uint8Array(bytesExpected);
  }

  get length(): number {
    return this.#length;
  }

  /** Without a copy. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from, to);
  }

  put(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = byte;
  }

  /** Prints `bytes` from `from` to `to`. */
  putFrom(bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (this.#length + length > this.#bytes.length) this.#grow(length);
    if (length < SHORT_COPY) {
      for (let at = from; at < to; at++) this.#bytes[this.#length++] = bytes[at] ?? 0;
    } else {
      this.#bytes.set(bytes.subarray(from, to), this.#length);
      this.#length += length;
    }
  }

  /** Prints a character beyond ASCII. */
  putPoint(point: number): void {
    if (point >= 0x10000) {
      this.put(0xf0 | point >> 18);
      this.put(0x80 | point >> 12 & 0x3f);
    } else if (point >= 0x800) {
      this.put(0xe0 | point >> 12);
    }
    if (point >= 0x800) this.put(0x80 | point >> 6 & 0x3f);
    else this.put(0xc0 | point >> 6);
    this.put(0x80 | point & 0x3f);
  }

  /**
   * Puts the members that were printed last, one after another with a comma between, into their
   * order. Returns false where a key is there twice.
   */
  arrange(members: readonly Member[]): boolean {
    const ordered = this.inOrder(members);
    const [first] = members;
    if (first === undefined || ordered === members) return true;
    if (ordered === undefined) return false;
    const to = this.#length;
    this.#grow(to - first.from);
    ordered.forEach((member, i) => {
      if (i > 0) this.put(COMMA);
      this.#bytes.copyWithin(this.#length, member.from, member.to);
      this.#length += member.to - member.from;
    });
    this.#bytes.copyWithin(first.from, to, this.#length);
    this.#length = to;
    return true;
  }

  /** Returns `members` itself where they are in order; undefined where a key is there twice. */
  inOrder(members: readonly Member[]): readonly Member[] | undefined {
    if (this.#isAscending(members)) return members;
    const ordered = members.toSorted((a, b) => this.#compareKeys(a, b));
    return this.#isAscending(ordered) ? ordered : undefined;
  }

  #isAscending(members: readonly Member[]): boolean {
    for (let i = 1; i < members.length; i++) {
      const before = members[i - 1];
      const member = members[i];
      if (before && member && this.#compareKeys(before, member) >= 0) return false;
    }
    return true;
  }

  /** Compares as UTF-16 code units (RFC 8785 section 3.2.3) what was printed as UTF-8. */
  #compareKeys(a: Member, b: Member): number {
    const aTo = a.keyTo - 1; // without the quotes
    const bTo = b.keyTo - 1;
    let aAt = a.from + 1;
    let bAt = b.from + 1;
    while (aAt < aTo && bAt < bTo) {
      const left = this.#bytes[aAt] ?? 0;
      const right = this.#bytes[bAt] ?? 0;
      const difference = left === BACKSLASH || right === BACKSLASH
        ? this.#rankAt(aAt) - this.#rankAt(bAt)
        : rank(left) - rank(right);
      if (difference !== 0) return difference;
      const length = left === BACKSLASH ? escapeLength(this.#bytes, aAt) : 1;
      aAt += length;
      bAt += length;
    }
    return (aTo - aAt) - (bTo - bAt);
  }

  /** Ranks the character that is printed there; an escape stands for ASCII. */
  #rankAt(at: number): number {
    const byte = this.#bytes[at] ?? 0;
    return byte === BACKSLASH ? escapedUnit(this.#bytes, at) ?? 0 : rank(byte);
  }

  #grow(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const bytes = new Uint8Array(2 * this.#bytes.length + length);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }
}

/** Ranks first bytes of UTF-8: in UTF-16, U+E000 to U+FFFF come after everything beyond them. */
function rank(byte: number): number {
  return byte === 0xee || byte === 0xef ? byte + 0x10 : byte;
}
