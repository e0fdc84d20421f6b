/**
 * Public keys of OpenSSH, as its .pub files hold them: Ed25519 (RFC 8709), and Ed25519 and ECDSA
 * P-256 that a FIDO2 security key holds (PROTOCOL.u2f). No other type is taken. Below them are the
 * data types of SSH (RFC 4251 section 5), read strictly.
 *
 * Invariant: a key has one blob, and none other parses.
 */

import { base64Decode, concatBytes, equalBytes, utf8Decode, utf8Encode } from "../bytes.ts";
import { isAdmissibleKey } from "./ed25519.ts";
import { isPoint } from "./p256.ts";

export const SSH_KEY_TYPES = [
  "ssh-ed25519",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
] as const;

type SshKeyType = (typeof SSH_KEY_TYPES)[number];

export interface SshKey {
  readonly type: SshKeyType;
  /** 32 bytes of Ed25519, or an uncompressed point of P-256, 65 bytes. */
  readonly publicKey: Uint8Array;
  /** The purpose that a security key made it for, such as "ssh:"; null for a key in a file. */
  readonly application: string | null;
  /** The key in SSH's own encoding, which its signatures repeat. */
  readonly blob: Uint8Array;
}

const LINE = /^([a-z0-9@.-]+)[ \t]+([A-Za-z0-9+/=]+)(?:[ \t][^\r\n]*)?$/;

/** Parses a line of a .pub file: type, base64 and a comment. Returns undefined for any other. */
export function parseSshKey(text: string): SshKey | undefined {
  const [, type, base64 = ""] = LINE.exec(text.trim()) ?? [];
  const blob = base64Decode(base64);
  const known = SSH_KEY_TYPES.find((each) => each === type);
  return known === undefined || blob === undefined ? undefined : keyOf(known, blob);
}

const NISTP256 = "nistp256";

function keyOf(type: SshKeyType, blob: Uint8Array): SshKey | undefined {
  const reader = new SshReader(blob);
  reader.string();
  const isEcdsa = type === "sk-ecdsa-sha2-nistp256@openssh.com";
  if (isEcdsa) reader.string();
  const publicKey = reader.string();
  const application = type === "ssh-ed25519" ? null : utf8Decode(reader.string() ?? EMPTY);
  if (publicKey === undefined || application === undefined || application === "") return undefined;
  if (!(isEcdsa ? isPoint(publicKey) : isAdmissibleKey(publicKey))) return undefined;
  const spelt = sshStrings(
    type,
    ...(isEcdsa ? [NISTP256] : []),
    publicKey,
    ...(application === null ? [] : [application]),
  );
  return equalBytes(spelt, blob) ? { type, publicKey, application, blob } : undefined;
}

const EMPTY = new Uint8Array();

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
