/** What is sealed of a request and of a result, as bytes. The salt lies beside what it salts, in the same bucket. */

import { ByteReader, ByteWriter } from "./store/bytes.ts";
import type { RequestBody, ResultBody } from "./types.ts";

const SALT_BYTES = 32;

export function encodeRequest({ salt, canonical, approvalText }: RequestBody): Uint8Array {
  checkSalt(salt);
  const writer = new ByteWriter(512).bytes(salt).text(canonical).u8(approvalText === null ? 0 : 1);
  return (approvalText === null ? writer : writer.text(approvalText)).finish();
}

export function decodeRequest(bytes: Uint8Array): RequestBody {
  const reader = new ByteReader(bytes);
  const salt = reader.bytes(SALT_BYTES);
  const canonical = reader.text();
  const approvalText = reader.u8() === 1 ? reader.text() : null;
  reader.end();
  return { salt, canonical, approvalText };
}

export function encodeResult({ salt, canonical }: ResultBody): Uint8Array {
  checkSalt(salt);
  return new ByteWriter(512).bytes(salt).text(canonical).finish();
}

export function decodeResult(bytes: Uint8Array): ResultBody {
  const reader = new ByteReader(bytes);
  const salt = reader.bytes(SALT_BYTES);
  const canonical = reader.text();
  reader.end();
  return { salt, canonical };
}

function checkSalt(salt: Uint8Array): void {
  if (salt.length !== SALT_BYTES) throw new RangeError("a salt has 32 bytes");
}
