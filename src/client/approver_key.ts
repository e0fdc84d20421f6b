/**
 * An approver's key: signing with it, wherever it is (in a file, an agent, hardware or a browser),
 * and the file of an Ed25519 one. That is one JSON object with `type` (openexec-approver-key-v1),
 * `keyid`, `name` (optional), `public_key` (ed25519:BASE64) and `private_key`.
 *
 * Invariants:
 * - The public key belongs to the private one; a file where it does not is refused.
 * - `private_key` is the 32-byte seed of RFC 8032, standard base64. Nothing here logs or prints it.
 */

import { isAdmissibleKey, publicKeyOf, sign } from "../core/keys/ed25519.ts";
import { base64Decode, base64Encode, equalBytes, hexEncode } from "../core/bytes.ts";
import { isJsonObject, parseIJson, toValue } from "../core/json/json.ts";
import { isName } from "../core/limits.ts";
import { sha256 } from "../core/sha.ts";
import { formatPublicKey, parsePublicKey } from "../core/keys/public_key.ts";

const TYPE = "openexec-approver-key-v1";
const SEED_BYTES = 32;
const MEMBERS: ReadonlySet<string> = new Set([
  "type",
  "keyid",
  "name",
  "public_key",
  "private_key",
]);

/** An approver's private key and its names. */
export interface ApproverKey {
  readonly keyid: string;
  /** The approver's name in the daemon's config, the `iss` of new approvals; null without one. */
  readonly name: string | null;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes, secret. */
  readonly seed: Uint8Array;
}

/** A key file cannot be used. The message says why and shows nothing of its content. */
export class InvalidApproverKey extends Error {
  override readonly name = "InvalidApproverKey";
}

/** Returns a keyid made from a public key: `key-` and 16 hex digits of its SHA-256. */
export function keyidFor(publicKey: Uint8Array): string {
  return `key-${hexEncode(sha256(publicKey)).slice(0, 16)}`;
}

/** Makes a key. `keyid` defaults to that of `keyidFor`. */
export function newApproverKey(options: { keyid?: string; name?: string } = {}): ApproverKey {
  const seed = crypto.getRandomValues(new Uint8Array(SEED_BYTES));
  const publicKey = publicKeyOf(seed);
  const keyid = options.keyid ?? keyidFor(publicKey);
  const name = options.name ?? null;
  for (const text of name === null ? [keyid] : [keyid, name]) {
    if (!isName(text)) {
      throw new InvalidApproverKey("keyid and name are 1 to 255 characters of visible ASCII");
    }
  }
  return { keyid, name, publicKey, seed };
}

/** Prints the text of the file. Keep the file readable by its owner only (mode 0600). */
export function formatApproverKey(key: ApproverKey): string {
  const file = {
    type: TYPE,
    keyid: key.keyid,
    ...(key.name === null ? {} : { name: key.name }),
    public_key: formatPublicKey(key.publicKey),
    private_key: base64Encode(key.seed),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Throws InvalidApproverKey for a text that formatApproverKey would not write. */
export function parseApproverKey(text: string): ApproverKey {
  const file = membersOf(text);
  const keyid = file["keyid"];
  const name = file["name"] ?? null;
  const publicKey = parsePublicKey(textOf(file["public_key"]));
  const seed = base64Decode(textOf(file["private_key"]));
  if (typeof keyid !== "string" || !isName(keyid)) {
    throw new InvalidApproverKey("keyid is missing or no name");
  }
  if (name !== null && (typeof name !== "string" || !isName(name))) {
    throw new InvalidApproverKey("name is no name");
  }
  if (publicKey === undefined || seed?.length !== SEED_BYTES) {
    throw new InvalidApproverKey("public_key or private_key is no Ed25519 key");
  }
  if (!isAdmissibleKey(publicKey) || !equalBytes(publicKeyOf(seed), publicKey)) {
    throw new InvalidApproverKey("public_key does not belong to private_key");
  }
  return { keyid, name, publicKey, seed };
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  let value;
  try {
    value = toValue(parseIJson(text));
  } catch {
    throw new InvalidApproverKey("it is no JSON");
  }
  if (!isJsonObject(value) || value["type"] !== TYPE) {
    throw new InvalidApproverKey(`it is no approver key: its type is not "${TYPE}"`);
  }
  const stray = Object.keys(value).filter((member) => !MEMBERS.has(member));
  if (stray.length > 0) throw new InvalidApproverKey("it has members that an approver key has not");
  return value;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Signs in the name of one key. To ask a person, for a touch or a PIN, is its own matter. */
export interface ApproverSigner {
  readonly keyid: string;
  /** The approver's name in the daemon's config, the `iss` of new approvals; null without one. */
  readonly name: string | null;
  /**
   * Returns the `sig` of a DSSE signature, 1 to 4096 bytes, in the form that the daemon's config
   * expects of this keyid. `pae` is DSSE's pre-authentication encoding.
   */
  sign(pae: Uint8Array): Promise<Uint8Array>;
}

/** Signs with the key of a file: Ed25519 (RFC 8032), 64 bytes. */
export function keySigner({ keyid, name, seed }: ApproverKey): ApproverSigner {
  return { keyid, name, sign: (pae) => Promise.resolve(sign(pae, seed)) };
}

/** Takes keys of files for signers. */
export function signersOf(
  keys: ApproverKey | ApproverSigner | readonly (ApproverKey | ApproverSigner)[],
): readonly ApproverSigner[] {
  return [keys].flat().map((key) => "seed" in key ? keySigner(key) : key);
}
