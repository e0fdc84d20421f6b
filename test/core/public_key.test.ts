import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { base64Decode, base64Encode, concatBytes, utf8Encode } from "../../src/core/bytes.ts";
import { formatPublicKey, parsePublicKey } from "../../src/core/keys/public_key.ts";

const pair = generateKeyPairSync("ed25519");
const raw = base64Decode(pair.publicKey.export({ format: "jwk" }).x ?? "") ?? new Uint8Array();
const pem = pair.publicKey.export({ format: "pem", type: "spki" }).toString();
const text = base64Encode(raw);

function sshLine(kind: string, key: Uint8Array, trailing = new Uint8Array()): string {
  const field = (bytes: Uint8Array) => concatBytes(Uint8Array.of(0, 0, 0, bytes.length), bytes);
  return `ssh-ed25519 ${
    base64Encode(concatBytes(field(utf8Encode(kind)), field(key), trailing))
  } someone@host`;
}

describe("parsePublicKey() reads", () => {
  test.each([
    ["ed25519:BASE64", `ed25519:${text}`],
    ["bare base64", text],
    [
      "url-safe base64 without padding",
      text.replaceAll("+", "-").replaceAll("/", "_").replace("=", ""),
    ],
    ["SPKI PEM", pem],
    ["SPKI PEM with CRLF", pem.replaceAll("\n", "\r\n")],
    ["SPKI PEM on one line", pem.trim().replaceAll("\n", " ")],
    ["an OpenSSH line", sshLine("ssh-ed25519", raw)],
    ["an OpenSSH line without a comment", sshLine("ssh-ed25519", raw).replace(" someone@host", "")],
  ])("%s", (_, written) => {
    expect(parsePublicKey(written)).toEqual(raw);
  });

  test("what formatPublicKey() wrote", () => {
    expect(parsePublicKey(formatPublicKey(raw))).toEqual(raw);
  });
});

describe("parsePublicKey() refuses", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
  test.each([
    ["nothing", ""],
    ["31 bytes", base64Encode(raw.subarray(1))],
    ["33 bytes", base64Encode(concatBytes(raw, Uint8Array.of(0)))],
    ["a private key", pair.privateKey.export({ format: "pem", type: "pkcs8" }).toString()],
    ["an RSA key", rsa.export({ format: "pem", type: "spki" }).toString()],
    ["an X25519 key", pem.replace("MCowBQYDK2Vw", "MCowBQYDK2Vu")],
    ["two keys in one PEM", pem + pem],
    ["text before the PEM", `x\n${pem}`],
    ["another SSH key type inside the line", sshLine("ssh-ed25518", raw)],
    ["bytes after the key in the line", sshLine("ssh-ed25519", raw, Uint8Array.of(0))],
    ["options before the SSH key", `no-pty ${sshLine("ssh-ed25519", raw)}`],
    ["two SSH lines", `${sshLine("ssh-ed25519", raw)}\n${sshLine("ssh-ed25519", raw)}`],
  ])("%s", (_, written) => {
    expect(parsePublicKey(written)).toBeUndefined();
  });
});
