/**
 * Assertions of WebAuthn Level 3 (section 7.2), as signatures over our own bytes: their SHA-256 is
 * the challenge. A signature is JSON {"authenticatorData","clientDataJSON","signature"}, each
 * unpadded base64url, by ES256 or EdDSA.
 *
 * Invariants:
 * - The browser's word on where it was asked (type, origin, no frame of another origin) and the
 *   authenticator's on for whom (RP id) and with whom (user present) are all under the signature,
 *   and all are compared exactly.
 * - signCount is not looked at: synced passkeys do not count, and an approval starts its executions
 *   once whatever it says.
 */

import { base64Decode, base64UrlEncode, concatBytes, equalBytes, utf8Encode } from "../bytes.ts";
import { isAdmissibleKey, verify } from "./ed25519.ts";
import { unlessRefused } from "../caught.ts";
import { parseIJson, toValue } from "../json/json.ts";
import { isPoint, scalarsOf, verifyP256 } from "./p256.ts";
import { sha256 } from "../sha.ts";
import { members, oneOf, open, optional, string } from "../shape.ts";

export interface Passkey {
  readonly algorithm: "EdDSA" | "ES256";
  /** 32 bytes of Ed25519, or an uncompressed point of P-256, 65 bytes. */
  readonly publicKey: Uint8Array;
  readonly rpId: string;
  /** At least one, each as a browser writes it: scheme, host, and port where it is no default. */
  readonly origins: readonly string[];
}

export interface Assertion {
  /** Whether the authenticator says that it verified the person: by PIN or biometrics. */
  readonly userVerified: boolean;
  /** Whether the credential may be synced to other devices. */
  readonly backupEligible: boolean;
}

/** SubjectPublicKeyInfo up to the key, for Ed25519 (RFC 8410) and P-256 (RFC 5480). */
const SPKI_HEADERS = [
  { algorithm: "EdDSA", header: bytesOf("MCowBQYDK2VwAyEA"), isKey: isAdmissibleKey },
  {
    algorithm: "ES256",
    header: bytesOf("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA"),
    isKey: isPoint,
  },
] as const;

/** Parses the base64 of a SubjectPublicKeyInfo, as getPublicKey() of a browser gives it. */
export function parsePasskey(text: string): Pick<Passkey, "algorithm" | "publicKey"> | undefined {
  const spki = base64Decode(text);
  for (const { algorithm, header, isKey } of SPKI_HEADERS) {
    if (spki === undefined || !equalBytes(spki.subarray(0, header.length), header)) continue;
    const publicKey = spki.slice(header.length);
    return isKey(publicKey) ? { algorithm, publicKey } : undefined;
  }
  return undefined;
}

/** Returns undefined unless `signature` is an assertion over `message` by `key`. */
export function verifyAssertion(
  signature: Uint8Array,
  message: Uint8Array,
  key: Passkey,
): Assertion | undefined {
  const parts = partsOf(signature);
  if (parts === undefined) return undefined;
  const { authenticatorData, clientDataJson } = parts;
  if (!isAskedByUs(clientDataJson, message, key.origins)) return undefined;
  const assertion = assertionOf(authenticatorData, key.rpId);
  if (assertion === undefined) return undefined;
  const signed = concatBytes(authenticatorData, sha256(clientDataJson));
  const isGenuine = key.algorithm === "EdDSA"
    ? verify(parts.signature, signed, key.publicKey)
    : verifyDer(parts.signature, signed, key.publicKey);
  return isGenuine ? assertion : undefined;
}

interface Parts {
  readonly authenticatorData: Uint8Array;
  readonly clientDataJson: Uint8Array;
  readonly signature: Uint8Array;
}

const isSignature = members({
  authenticatorData: string,
  clientDataJSON: string,
  signature: string,
});

function partsOf(text: Uint8Array): Parts | undefined {
  const fields = parse(text);
  if (!isSignature(fields)) return undefined;
  const authenticatorData = base64UrlDecode(fields.authenticatorData);
  const clientDataJson = base64UrlDecode(fields.clientDataJSON);
  const signature = base64UrlDecode(fields.signature);
  if (!authenticatorData || !clientDataJson || !signature) return undefined;
  return { authenticatorData, clientDataJson, signature };
}

function base64UrlDecode(text: string): Uint8Array | undefined {
  const bytes = base64Decode(text);
  return bytes !== undefined && base64UrlEncode(bytes) === text ? bytes : undefined;
}

/** Client data (WebAuthn section 5.8.1). Members that we do not know are left alone. */
const isClientData = open({
  challenge: string,
  crossOrigin: optional(oneOf(false)),
  origin: string,
  type: oneOf("webauthn.get"),
});

function isAskedByUs(
  clientDataJson: Uint8Array,
  message: Uint8Array,
  origins: readonly string[],
): boolean {
  const data = parse(clientDataJson);
  return isClientData(data) && !Object.hasOwn(data, "topOrigin") &&
    data.challenge === base64UrlEncode(sha256(message)) && origins.includes(data.origin);
}

const RP_ID_HASH_BYTES = 32;
/** The hash, flags and a counter of four bytes: nothing else without AT and ED. */
const AUTHENTICATOR_DATA_BYTES = 37;
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const BACKUP_ELIGIBLE = 0x08;
const BACKED_UP = 0x10;
const ATTESTED = 0x40;
const EXTENDED = 0x80;

/** Authenticator data (WebAuthn section 6.1). */
function assertionOf(authenticatorData: Uint8Array, rpId: string): Assertion | undefined {
  const rpIdHash = authenticatorData.subarray(0, RP_ID_HASH_BYTES);
  const flags = authenticatorData[RP_ID_HASH_BYTES] ?? 0;
  const has = (flag: number) => (flags & flag) !== 0;
  const isSound = authenticatorData.length === AUTHENTICATOR_DATA_BYTES &&
    equalBytes(rpIdHash, sha256(utf8Encode(rpId))) && has(USER_PRESENT) && !has(ATTESTED) &&
    !has(EXTENDED) && (has(BACKUP_ELIGIBLE) || !has(BACKED_UP));
  return isSound
    ? { userVerified: has(USER_VERIFIED), backupEligible: has(BACKUP_ELIGIBLE) }
    : undefined;
}

/** SEQUENCE of two INTEGERs in DER, which all fit lengths of one byte. */
function verifyDer(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const [sequence, rest] = derValue(signature, 0x30);
  const [r, afterR] = derValue(sequence, 0x02);
  const [s, afterS] = derValue(afterR, 0x02);
  if (!r || !s || rest?.length !== 0 || afterS?.length !== 0) return false;
  const scalars = scalarsOf([r, s]);
  return scalars !== undefined && verifyP256(scalars, message, publicKey);
}

/** Returns the content of the first value, and what follows it. */
function derValue(
  der: Uint8Array | undefined,
  tag: number,
): readonly [content?: Uint8Array, rest?: Uint8Array] {
  const [first, length = 0xff] = der ?? [];
  if (der === undefined || first !== tag || length > 0x7f || der.length < 2 + length) return [];
  return [der.subarray(2, 2 + length), der.subarray(2 + length)];
}

/** Returns undefined for what is no I-JSON. */
function parse(bytes: Uint8Array): unknown {
  return unlessRefused(() => toValue(parseIJson(bytes)));
}

function bytesOf(base64: string): Uint8Array {
  return base64Decode(base64) ?? new Uint8Array();
}
