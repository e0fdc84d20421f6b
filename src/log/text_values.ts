/** Values as the C2SP formats and exports write them: padded base64 (RFC 4648 section 4) and decimals, one spelling each. */

import { base64Decode, base64Encode } from "../core/bytes.ts";

/** undefined for the other alphabet, missing padding, and unused bits that are not zero. */
export function decodeStandardBase64(text: string): Uint8Array | undefined {
  const bytes = base64Decode(text);
  return bytes !== undefined && base64Encode(bytes) === text ? bytes : undefined;
}

/** The 32 bytes of a hash, or undefined. */
export function decodeHash(text: string): Uint8Array | undefined {
  const hash = decodeStandardBase64(text);
  return hash?.length === 32 ? hash : undefined;
}

const DECIMAL = /^(?:0|[1-9][0-9]*)$/;

/** A whole number in ASCII decimal without leading zeroes, up to 2^53 - 1, or undefined. */
export function decodeDecimal(text: string): number | undefined {
  const value = Number(text);
  return DECIMAL.test(text) && Number.isSafeInteger(value) ? value : undefined;
}
