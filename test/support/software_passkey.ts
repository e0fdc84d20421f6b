/** A passkey in software, which says whatever a test wants it to say. */

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { base64Encode, base64UrlEncode, concatBytes, utf8Encode } from "../../src/core/bytes.ts";
import { sha256 } from "../../src/core/sha.ts";
import { parsePasskey, type Passkey } from "../../src/core/keys/webauthn.ts";

export const UP = 0x01;
export const UV = 0x04;
export const BE = 0x08;
export const BS = 0x10;
export const AT = 0x40;
export const ED = 0x80;

/** What an assertion says; by default what a person at http://localhost:8822 makes of it. */
export interface Said {
  readonly rpId?: string;
  readonly flags?: number;
  /** Behind the counter, where attested data and extensions stand. */
  readonly more?: Uint8Array;
  readonly clientData?: Readonly<Record<string, unknown>>;
  /** In place of the JSON of `clientData`. */
  readonly clientDataText?: string;
}

export class SoftwarePasskey {
  readonly #private: KeyObject;
  /** Base64, as the configuration has it. */
  readonly spki: string;

  constructor(readonly algorithm: Passkey["algorithm"]) {
    const { publicKey, privateKey } = algorithm === "EdDSA"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#private = privateKey;
    this.spki = base64Encode(Uint8Array.from(publicKey.export({ format: "der", type: "spki" })));
  }

  key(rpId = "localhost", origins: readonly string[] = ["http://localhost:8822"]): Passkey {
    const parsed = parsePasskey(this.spki);
    if (parsed === undefined) throw new Error("its own key does not parse");
    return { ...parsed, rpId, origins };
  }

  /** The members of a signature over `message`, each in bytes. */
  assert(message: Uint8Array, said: Said = {}): Record<string, Uint8Array> {
    const { rpId = "localhost", flags = UP | UV, more = new Uint8Array(), clientData = {} } = said;
    const data = {
      type: "webauthn.get",
      challenge: base64UrlEncode(sha256(message)),
      origin: "http://localhost:8822",
      crossOrigin: false,
      ...clientData,
    };
    const clientDataJSON = utf8Encode(said.clientDataText ?? JSON.stringify(data));
    const authenticatorData = concatBytes(
      sha256(utf8Encode(rpId)),
      Uint8Array.of(flags, 0, 0, 0, 7),
      more,
    );
    const signed = concatBytes(authenticatorData, sha256(clientDataJSON));
    const hash = this.algorithm === "EdDSA" ? null : "sha256";
    const signature = Uint8Array.from(sign(hash, signed, this.#private));
    return { authenticatorData, clientDataJSON, signature };
  }

  sign(message: Uint8Array, said: Said = {}): Uint8Array {
    return assertionJson(this.assert(message, said));
  }
}

/** The `sig` of a passkey: its members in JSON. */
export function assertionJson(members: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const texts = Object.entries(members).map(([name, bytes]) => [name, base64UrlEncode(bytes)]);
  return utf8Encode(JSON.stringify(Object.fromEntries(texts)));
}
