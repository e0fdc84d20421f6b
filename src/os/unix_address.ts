/** `struct sockaddr_un` (unix(7)): two bytes of address family, then a path that ends in NUL, or NUL and an abstract name. */

import { utf8Decode, utf8Encode } from "../core/bytes.ts";

export const AF_UNIX = 1;

/** Bytes of a path that fit, without the NUL. */
export const SOCKET_PATH_BYTES_MAX = 107;

/** `@name` stands for the abstract name `name`, as NOTIFY_SOCKET writes it. Throws a RangeError for what does not fit. */
export function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const abstract = path.startsWith("@");
  const bytes = utf8Encode(path);
  if (bytes.length > SOCKET_PATH_BYTES_MAX) {
    throw new RangeError(`a socket's path has at most ${SOCKET_PATH_BYTES_MAX} bytes`);
  }
  const address = new Uint8Array(2 + bytes.length + (abstract ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  if (abstract) address[2] = 0;
  return address;
}

/** The path in an address of `length` bytes; undefined for abstract and unnamed sockets. */
export function pathOfAddress(address: Uint8Array, length: number): string | undefined {
  const name = address.subarray(2, length);
  const end = name.indexOf(0);
  const path = end === -1 ? name : name.subarray(0, end);
  return path.length === 0 ? undefined : utf8Decode(path);
}
