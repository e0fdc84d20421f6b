/**
 * The stream between an executor and its daemon, by read(2) and write(2) on a descriptor.
 *
 * The runtime's own layer for descriptors takes 70 ms of every start to load; this takes none.
 */

import { libc } from "../libc.ts";

const F_SETFD = 2;
const CLOEXEC = 1;
const CHUNK_BYTES = 65_536;

/** `descriptor` is one end of a pair of connected stream sockets, in blocking mode. */
export class Channel {
  /** Looked up here: its owner gives the permission for that up afterwards. */
  readonly #calls = { read: libc.read_later, readNow: libc.read, write: libc.write };
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    libc.fcntl(descriptor, F_SETFD, CLOEXEC); // no program that a handler starts gets it
  }

  /** The next bytes; none when the other end is closed. */
  async read(): Promise<Uint8Array> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    const length = await this.#calls.read(this.#descriptor, buffer, BigInt(buffer.length));
    return buffer.subarray(0, Math.max(0, Number(length)));
  }

  /** The same, and no other code runs on this thread before they come. */
  readNow(): Uint8Array {
    const buffer = new Uint8Array(CHUNK_BYTES);
    const length = this.#calls.readNow(this.#descriptor, buffer, BigInt(buffer.length));
    return buffer.subarray(0, Math.max(0, Number(length)));
  }

  /** Waits until all of it is taken. false where the other end is closed. */
  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    for (let rest = bytes; rest.length > 0;) {
      const written = Number(this.#calls.write(this.#descriptor, rest, BigInt(rest.length)));
      if (written <= 0) return false;
      rest = rest.subarray(written);
    }
    return true;
  }
}
