/**
 * Bytes that come in pieces, gathered into one array as they come. Whoever sends them one by one makes this side hold two bytes
 * for each at most, or as many as were announced, where a list of the pieces would hold an object for each.
 *
 * Invariants: never more than `bytesMax`. What is written to is an array of our own. The first piece is borrowed and not copied
 * until there is a second, so that one that is the whole stays where it is; its sender must not write there again.
 */

const NOTHING = new Uint8Array();

export class GatheredBytes {
  readonly #bytesMax: number;
  readonly #bytesExpected: number;
  /** Its first `#length` bytes are gathered; borrowed only while it is full. */
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  /** `bytesExpected`, where it is known, is what room is made for with the second piece; else the room doubles. */
  constructor(bytesMax: number, bytesExpected = 0) {
    this.#bytesMax = bytesMax;
    this.#bytesExpected = bytesExpected;
  }

  get length(): number {
    return this.#length;
  }

  /** false where it would be more than `bytesMax`: then nothing was added. */
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

  /** All of them. Not a copy: nothing is to be added after it. */
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
