/** The data types of SSH (RFC 4251 section 5), read strictly, and its `string` written. */

import { concatBytes, utf8Encode } from "../bytes.ts";

/** Reads from the front. Every method returns undefined once something was not there. */
export class SshReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether everything was read. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Reads `count` bytes. */
  take(count: number): Uint8Array | undefined {
    if (count > this.#bytes.length - this.#at) {
      this.#at = Infinity;
      return undefined;
    }
    return this.#bytes.subarray(this.#at, this.#at += count);
  }

  uint32(): number | undefined {
    return this.take(4) === undefined ? undefined : this.#view.getUint32(this.#at - 4);
  }

  string(): Uint8Array | undefined {
    const length = this.uint32();
    return length === undefined ? undefined : this.take(length);
  }
}

/** Returns each part as a `string`: its length in four bytes, then itself. */
export function sshStrings(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return concatBytes(...parts.flatMap((part) => {
    const bytes = typeof part === "string" ? utf8Encode(part) : part;
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, bytes.length);
    return [length, bytes];
  }));
}
