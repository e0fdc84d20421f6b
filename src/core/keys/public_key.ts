/**
 * Ed25519 public keys in the forms that people write: `ed25519:BASE64` (or the bare base64 of the
 * 32 bytes), SubjectPublicKeyInfo in PEM (RFC 8410, RFC 7468), and a line of OpenSSH (RFC 8709
 * section 4).
 *
 * A key that parses need not be admissible: ask isAdmissibleKey() in ed25519.ts.
 */

import { base64Decode, base64Encode, equalBytes, utf8Encode } from "../bytes.ts";

const PREFIX = "ed25519:";
const KEY_LENGTH = 32;
const PEM = /^-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/;
const OPENSSH = /^ssh-ed25519[ \t]+([A-Za-z0-9+/=]+)(?:[ \t][^\r\n]*)?$/;

/** SEQUENCE { SEQUENCE { 1.3.101.112 } BIT STRING of 32 bytes }, up to the key. */
const SPKI_HEADER = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0);

/** `string "ssh-ed25519"`, then the length of `string key`. */
const OPENSSH_HEADER = Uint8Array.of(
  0,
  0,
  0,
  11,
  ...utf8Encode("ssh-ed25519"),
  0,
  0,
  0,
  KEY_LENGTH,
);

/** Returns 32 bytes, or undefined when `text` is in none of these forms. */
export function parsePublicKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  const pem = PEM.exec(trimmed)?.[1];
  if (pem !== undefined) return afterHeader(SPKI_HEADER, pem.replace(/\s/g, ""));
  const line = OPENSSH.exec(trimmed)?.[1];
  if (line !== undefined) return afterHeader(OPENSSH_HEADER, line);
  return afterHeader(
    new Uint8Array(),
    trimmed.startsWith(PREFIX) ? trimmed.slice(PREFIX.length) : trimmed,
  );
}

/** Returns `ed25519:` and the base64 of the 32 bytes, the form of the configuration. */
export function formatPublicKey(publicKey: Uint8Array): string {
  return PREFIX + base64Encode(publicKey);
}

function afterHeader(header: Uint8Array, base64: string): Uint8Array | undefined {
  const bytes = base64Decode(base64);
  if (bytes?.length !== header.length + KEY_LENGTH) return undefined;
  return equalBytes(bytes.subarray(0, header.length), header)
    ? bytes.slice(header.length)
    : undefined;
}
