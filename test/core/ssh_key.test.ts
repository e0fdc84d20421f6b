import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../../src/core/bytes.ts";
import { publicKeyOf } from "../../src/core/keys/ed25519.ts";
import { parseSshKey, sshStrings } from "../../src/core/keys/ssh_key.ts";

const ED25519 = "ssh-ed25519";
const SK_ED25519 = "sk-ssh-ed25519@openssh.com";
const SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com";

const publicKey = publicKeyOf(new Uint8Array(32).fill(3));
const spki = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
const point = Uint8Array.from(spki.export({ format: "der", type: "spki" })).slice(26);
const compressed = Uint8Array.of(2 + ((point[64] ?? 0) & 1), ...point.subarray(1, 33));
const notUtf8 = Uint8Array.of(0xff);

/** A line of a .pub file: the type is said before the blob, and again inside. */
function line(type: string, ...parts: readonly (Uint8Array | string)[]): string {
  return `${type} ${sshStrings(type, ...parts).toBase64()}`;
}

const inFile = line(ED25519, publicKey);
const [, base64 = ""] = inFile.split(" ");

describe("parseSshKey() reads", () => {
  test.each([
    [inFile, { type: ED25519, publicKey, application: null }],
    [
      line(SK_ED25519, publicKey, "ssh:"),
      { type: SK_ED25519, publicKey, application: "ssh:" },
    ],
    [
      line(SK_ECDSA, "nistp256", point, "ssh:work"),
      { type: SK_ECDSA, publicKey: point, application: "ssh:work" },
    ],
  ])("%s", (text, key) => {
    const blob = Uint8Array.fromBase64(text.split(" ")[1] ?? "");
    expect(parseSshKey(text)).toEqual({ ...key, blob });
  });

  test.each([
    ["a comment", `${inFile} alice @ home`],
    ["a line feed behind", `${inFile}\n`],
    ["a tab", inFile.replace(" ", "\t")],
  ])("a line with %s", (_, text) => expect(parseSshKey(text)?.publicKey).toEqual(publicKey));
});

describe("parseSshKey() refuses", () => {
  test.each([
    ["nothing", ""],
    ["a type alone", ED25519],
    ["base64 alone", base64],
    ["what is no base64", `${ED25519} A`],
    ["a type that is not taken", line("ssh-rsa", publicKey)],
    ["a certificate", line("ssh-ed25519-cert-v01@openssh.com", publicKey)],
    ["the blob of another type", `${SK_ED25519} ${base64}`],
    ["a security key's blob as a file's", line(SK_ED25519, publicKey, "ssh:").slice(3)],
    ["two lines", `${inFile}\n${inFile}`],
    ["options before the type", `restrict ${inFile}`],
    ["an empty blob", `${ED25519} ====`],
    ["a blob that ends behind its type", line(ED25519)],
    ["a blob that ends behind the curve", line(SK_ECDSA, "nistp256")],
    ["more behind the key", line(ED25519, publicKey, "")],
    ["more behind the application", line(SK_ED25519, publicKey, "ssh:", "")],
    ["no application", line(SK_ED25519, publicKey)],
    ["an empty application", line(SK_ED25519, publicKey, "")],
    ["an application that is no text", line(SK_ED25519, publicKey, notUtf8)],
    ["no curve", line(SK_ECDSA, point, "ssh:")],
    ["another curve", line(SK_ECDSA, "nistp384", point, "ssh:")],
    ["a curve before an Ed25519 key", line(SK_ED25519, "nistp256", publicKey, "ssh:")],
    ["a key of 31 bytes", line(ED25519, publicKey.subarray(1))],
    ["a key of small order", line(ED25519, new Uint8Array(32))],
    ["a point for an Ed25519 key", line(SK_ED25519, point, "ssh:")],
    ["an Ed25519 key for a point", line(SK_ECDSA, "nistp256", publicKey, "ssh:")],
    ["a compressed point", line(SK_ECDSA, "nistp256", compressed, "ssh:")],
    [
      "a point off the curve",
      line(SK_ECDSA, "nistp256", point.with(64, (point[64] ?? 0) ^ 1), "ssh:"),
    ],
    ["bytes behind the blob", `${ED25519} ${bytesBehind()}`],
  ])("%s", (_, text) => expect(parseSshKey(text)).toBeUndefined());

  function bytesBehind(): string {
    return concatBytes(sshStrings(ED25519, publicKey), Uint8Array.of(0)).toBase64();
  }
});
