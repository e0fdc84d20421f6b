/**
 * SSHSIG (PROTOCOL.sshsig), as `ssh-keygen -Y sign` makes it from a file, an agent or a security
 * key. The form here is binary; `ssh-keygen` armours it.
 *
 * Invariants:
 * - A signature counts for namespace "openexec" alone. None for git, a file or a login does.
 * - The type comes from the key that is configured. The signature must repeat that key byte for
 *   byte, application included, so no certificate and no webauthn-sk type passes.
 * - There is nothing before, between or behind what the format has.
 */

import { base64Decode, concatBytes, equalBytes, utf8Decode, utf8Encode } from "../bytes.ts";
import { verify } from "./ed25519.ts";
import { scalarsOf, verifyP256 } from "./p256.ts";
import { sha256, sha512 } from "../sha.ts";
import { type SshKey, SshReader, sshStrings } from "./ssh_key.ts";

export const SSH_NAMESPACE = "openexec";

const MAGIC = utf8Encode("SSHSIG");
const VERSION = 1;
const HASHES = new Map([["sha256", sha256], ["sha512", sha512]]);

/** Flags of a security key: WebAuthn's user present and user verified. */
const PRESENT = 0x01;
const VERIFIED = 0x04;

export interface SshSignature {
  /** Whether a security key says that it verified the person: by PIN or biometrics. */
  readonly userVerified: boolean;
}

/** Returns undefined unless `signature` over `message` is by `key`, for our namespace. */
export function verifySshsig(
  signature: Uint8Array,
  message: Uint8Array,
  key: SshKey,
): SshSignature | undefined {
  const reader = new SshReader(signature);
  const isVersion1 = equalBytes(reader.take(MAGIC.length) ?? NOTHING, MAGIC) &&
    reader.uint32() === VERSION;
  const blob = reader.string();
  const [namespace, reserved, hashName, inner] = [
    reader.string(),
    reader.string(),
    reader.string(),
    reader.string(),
  ];
  if (!isVersion1 || blob === undefined || inner === undefined || !reader.isAtEnd) return undefined;
  const hash = HASHES.get(utf8Decode(hashName ?? NOTHING) ?? "");
  const isOurs = equalBytes(blob, key.blob) && reserved?.length === 0 && hash !== undefined &&
    utf8Decode(namespace ?? NOTHING) === SSH_NAMESPACE;
  if (!isOurs) return undefined;
  const signed = concatBytes(
    MAGIC,
    sshStrings(SSH_NAMESPACE, NOTHING, hashName ?? NOTHING, hash(message)),
  );
  return verifyInner(inner, signed, key);
}

function verifyInner(
  inner: Uint8Array,
  signed: Uint8Array,
  { type, publicKey, application }: SshKey,
): SshSignature | undefined {
  const reader = new SshReader(inner);
  const innerType = reader.string();
  const signature = reader.string();
  if (utf8Decode(innerType ?? NOTHING) !== type || signature === undefined) return undefined;
  if (application === null) {
    return reader.isAtEnd && verify(signature, signed, publicKey) ? NOBODY : undefined;
  }
  const [flagByte, counter] = [reader.take(1), reader.take(4)];
  if (flagByte === undefined || counter === undefined || !reader.isAtEnd) return undefined;
  const [flags = 0] = flagByte;
  if ((flags & PRESENT) === 0 || (flags & ~(PRESENT | VERIFIED)) !== 0) return undefined;
  const said = concatBytes(sha256(utf8Encode(application)), flagByte, counter, sha256(signed));
  const isGenuine = type === "sk-ssh-ed25519@openssh.com"
    ? verify(signature, said, publicKey)
    : verifyEcdsa(signature, said, publicKey);
  return isGenuine ? { userVerified: (flags & VERIFIED) !== 0 } : undefined;
}

const NOTHING = new Uint8Array();
const NOBODY: SshSignature = { userVerified: false };

/** r and s are each an mpint (RFC 5656 section 3.1.2). */
function verifyEcdsa(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const reader = new SshReader(signature);
  const [r, s] = [reader.string(), reader.string()];
  if (r === undefined || s === undefined || !reader.isAtEnd) return false;
  const scalars = scalarsOf([r, s]);
  return scalars !== undefined && verifyP256(scalars, message, publicKey);
}

const ARMOR = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)-----END SSH SIGNATURE-----\n$/;

/** Returns the binary form of what `ssh-keygen -Y sign` prints, or undefined. */
export function unarmored(text: string): Uint8Array | undefined {
  const base64 = ARMOR.exec(text)?.[1]?.replaceAll("\n", "");
  return base64 === undefined ? undefined : base64Decode(base64);
}
