/** Signatures that the real ssh-keygen and ssh-agent made, and what an attacker can make of them. */

import { afterAll, describe, expect, test } from "vitest";
import { concatBytes, utf8Encode } from "../../src/core/bytes.ts";
import { publicKeyOf, sign } from "../../src/core/keys/ed25519.ts";
import { sha512 } from "../../src/core/sha.ts";
import { parseSshKey, type SshKey, SshReader, sshStrings } from "../../src/core/keys/ssh_key.ts";
import { unarmored, verifySshsig } from "../../src/core/keys/sshsig.ts";
import { run, SshKeys, sshsigOf, type SshsigParts } from "../support/ssh_keys.ts";

const keys = new SshKeys();
afterAll(() => keys[Symbol.dispose]());
const message = utf8Encode("the bytes of an approval");
const files = {
  ed25519: keys.make("ed25519"),
  "ed25519-sk": keys.make("ed25519-sk"),
  "ecdsa-sk": keys.make("ecdsa-sk"),
};
const types = ["ed25519", "ed25519-sk", "ecdsa-sk"] as const;

describe.each(types)("a signature by ssh-keygen with %s", (type) => {
  const { path, key } = files[type];

  test.each(["sha256", "sha512"] as const)("verifies, with %s", (hash) => {
    const signature = keys.sign(path, message, { hash });
    expect(verifySshsig(signature, message, key)).toEqual({ userVerified: false });
    expect(signature.length).toBeLessThan(4096);
  });

  test("counts for no other message, and for no other key of its kind", () => {
    const signature = keys.sign(path, message);
    expect(verifySshsig(signature, utf8Encode("other bytes"), key)).toBeUndefined();
    expect(verifySshsig(signature, message, keys.make(type).key)).toBeUndefined();
  });

  test.each(["file", "git", "openexec2", "ssh"])(
    "counts for nothing in namespace %s",
    (namespace) => {
      expect(verifySshsig(keys.sign(path, message, { namespace }), message, key)).toBeUndefined();
    },
  );

  test("counts for nothing with any byte changed, missing or added", () => {
    const signature = keys.sign(path, message);
    for (let at = 0; at < signature.length; at++) {
      const changed = Uint8Array.from(signature);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(verifySshsig(changed, message, key), `byte ${at}`).toBeUndefined();
      expect(verifySshsig(signature.subarray(0, at), message, key)).toBeUndefined();
    }
    expect(verifySshsig(Uint8Array.of(...signature, 0), message, key)).toBeUndefined();
  });

  test("verifies for ssh-keygen -Y verify too, and no more once it was changed", () => {
    const signature = keys.sign(path, message);
    const isAccepted = (bytes: Uint8Array) => acceptedBySsh(bytes, files[type].line);
    expect(isAccepted(signature)).toBe(true);
    signature[signature.length - 20] = (signature[signature.length - 20] ?? 0) ^ 1;
    expect(isAccepted(signature)).toBe(false);
  });
});

describe("a signature by ssh-agent", () => {
  test.each(["ed25519", "ed25519-sk"] as const)("verifies with %s", async (type) => {
    const socket = `${keys.folder}/agent-${type}.sock`;
    const agent = new Deno.Command("ssh-agent", {
      args: ["-D", "-a", socket, "-P", `${keys.folder}/*`],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const started = agent.stdout.getReader();
    await started.read();
    const environment = { SSH_AUTH_SOCK: socket };
    const { path, key } = keys.make(type);
    run("ssh-add", ["-q", "-S", keys.provider, path], environment);
    Deno.removeSync(path); // so that only the agent can sign
    const signature = keys.sign(`${path}.pub`, message, { environment });
    expect(verifySshsig(signature, message, key)).toEqual({ userVerified: false });
    agent.kill();
    await started.cancel();
    await agent.status;
  });
});

describe("a security key", () => {
  const { path, key } = files["ed25519-sk"];
  const claiming = (flags: number) =>
    verifySshsig(keys.sign(path, message, { flags }), message, key);

  test("that verified the person says so", () => {
    expect(claiming(0x05)).toEqual({ userVerified: true });
  });

  test.each([0x00, 0x04, 0x03, 0x09, 0x41, 0x81, 0x11])("is refused with flags %i", (flags) => {
    expect(claiming(flags)).toBeUndefined();
  });

  test("asks for a PIN where its key was made so, and then says that it was given", () => {
    const verifying = keys.make("ed25519-sk", ["-O", "verify-required"]);
    const asking = `${keys.folder}/askpass`;
    Deno.writeTextFileSync(asking, "#!/bin/sh\necho 1234\n", { mode: 0o700 });
    const environment = { SSH_ASKPASS: asking, SSH_ASKPASS_REQUIRE: "force" };
    const signature = keys.sign(verifying.path, message, { environment });
    expect(verifySshsig(signature, message, verifying.key)).toEqual({ userVerified: true });
  });

  test("made for another application is another key", () => {
    const other = keys.make("ed25519-sk", ["-O", "application=ssh:other"]);
    expect(other.key.application).toBe("ssh:other");
    const swapped: SshKey = { ...other.key, application: "ssh:" };
    expect(verifySshsig(keys.sign(other.path, message), message, other.key)).toBeDefined();
    expect(verifySshsig(keys.sign(other.path, message), message, swapped)).toBeUndefined();
  });
});

/** A key that we hold, so that every part of what it signs can be another. */
const seed = new Uint8Array(32).fill(3);
const blob = sshStrings("ssh-ed25519", publicKeyOf(seed));
const own = parseSshKey(`ssh-ed25519 ${blob.toBase64()}`);
if (own === undefined) throw new Error("the key does not parse");

/** What it signs is always in order; what is written around the signature is what `changes` say. */
function forged(changes: Partial<SshsigParts> = {}, innerType = "ssh-ed25519"): Uint8Array {
  const { namespace = "openexec", reserved = "", hash = "sha512" } = changes;
  const signed = concatBytes(
    utf8Encode("SSHSIG"),
    sshStrings(namespace, reserved, hash, sha512(message)),
  );
  const inner = sshStrings(innerType, sign(signed, seed));
  return sshsigOf({
    magic: "SSHSIG",
    version: 1,
    blob,
    namespace,
    reserved,
    hash,
    inner,
    ...changes,
  });
}

describe("verifySshsig() refuses a signature that is genuine otherwise, with", () => {
  const certificate = sshStrings("ssh-ed25519-cert-v01@openssh.com", publicKeyOf(seed));
  const rows: readonly (readonly [string, Uint8Array])[] = [
    ["version 0", forged({ version: 0 })],
    ["version 2", forged({ version: 2 })],
    ["another magic", forged({ magic: "SSHSIH" })],
    ["something in the reserved field", forged({ reserved: "x" })],
    ["hash sha1", forged({ hash: "sha1" })],
    ["hash SHA512", forged({ hash: "SHA512" })],
    ["no namespace", forged({ namespace: "" })],
    ["a certificate for a key", forged({ blob: certificate })],
    ["bytes behind the key", forged({ blob: concatBytes(blob, Uint8Array.of(0)) })],
    ["no key", forged({ blob: new Uint8Array() })],
    ["the type of a security key inside", forged({}, "sk-ssh-ed25519@openssh.com")],
    [
      "the type of a browser's signature inside",
      forged({}, "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"),
    ],
    ["the type of a certificate inside", forged({}, "ssh-ed25519-cert-v01@openssh.com")],
  ];
  test("nothing, to begin with", () => {
    expect(verifySshsig(forged(), message, own)).toEqual({ userVerified: false });
  });
  test.each(rows)("%s", (_, signature) => {
    expect(verifySshsig(signature, message, own)).toBeUndefined();
  });

  test("something in the reserved field that was not signed", () => {
    expect(verifySshsig(rewritten(forged(), { reserved: "x" }), message, own)).toBeUndefined();
    expect(verifySshsig(rewritten(forged(), {}), message, own)).toBeDefined();
  });

  test("bytes behind the counter of a security key", () => {
    const { path, key } = files["ed25519-sk"];
    const genuine = keys.sign(path, message);
    const inner = concatBytes(innerOf(genuine), Uint8Array.of(0));
    expect(verifySshsig(rewritten(genuine, { inner }), message, key)).toBeUndefined();
    expect(verifySshsig(rewritten(genuine, {}), message, key)).toBeDefined();
  });

  test("the flags and counter of a security key behind it", () => {
    const inner = concatBytes(innerOf(forged()), Uint8Array.of(1, 0, 0, 0, 7));
    expect(verifySshsig(forged({ inner }), message, own)).toBeUndefined();
  });
});

describe("an ECDSA signature has one spelling of r and s:", () => {
  const { path, key } = files["ecdsa-sk"];
  const signature = keys.sign(path, message);
  const inner = new SshReader(innerOf(signature));
  const [type, ecdsa, rest] = [inner.string(), inner.string(), inner.take(5)];
  const scalars = new SshReader(ecdsa ?? new Uint8Array());
  const [r, s] = [scalars.string() ?? new Uint8Array(), scalars.string() ?? new Uint8Array()];
  const spelt = (first: Uint8Array, second: Uint8Array, more = "") => {
    const pair = concatBytes(sshStrings(first, second), utf8Encode(more));
    const around = concatBytes(sshStrings(type ?? "", pair), rest ?? new Uint8Array());
    const outer = new SshReader(signature);
    const head = outer.take(10) ?? new Uint8Array();
    const parts = Array.from({ length: 4 }, () => outer.string() ?? new Uint8Array());
    return concatBytes(head, sshStrings(...parts, around));
  };

  test("the shortest one", () => {
    expect(verifySshsig(spelt(r, s), message, key)).toBeDefined();
  });

  test.each([
    ["a zero in front", spelt(concatBytes(Uint8Array.of(0), r), s)],
    ["a zero in front of s", spelt(r, concatBytes(Uint8Array.of(0), s))],
    ["r of no byte", spelt(new Uint8Array(), s)],
    ["s of 0", spelt(r, Uint8Array.of(0))],
    ["a negative s", spelt(r, Uint8Array.of(0xff))],
    ["a longer s", spelt(r, new Uint8Array(40).fill(1))],
    ["bytes behind them", spelt(r, s, "x")],
  ])("and not %s", (_, changed) => {
    expect(verifySshsig(changed, message, key)).toBeUndefined();
  });

  test("and s may be n - s as well, as hardware has it", () => {
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const other = (n - BigInt(`0x${s.toHex()}`)).toString(16).padStart(64, "0");
    const magnitude = Uint8Array.fromHex(other.replace(/^(00)+/, ""));
    const mpint = (magnitude[0] ?? 0) > 0x7f ? Uint8Array.of(0, ...magnitude) : magnitude;
    expect(verifySshsig(spelt(r, mpint), message, key)).toBeDefined();
  });
});

test("unarmored() reads what ssh-keygen prints, and nothing around it", () => {
  const text = "-----BEGIN SSH SIGNATURE-----\nU1NI\nU0lH\n-----END SSH SIGNATURE-----\n";
  expect(unarmored(text)).toEqual(utf8Encode("SSHSIG"));
  for (
    const other of [
      `x${text}`,
      `${text}x`,
      text.replace("U1NI", "U1N"),
      text.replace("SSH", "SSL"),
      "",
    ]
  ) {
    expect(unarmored(other)).toBeUndefined();
  }
});

/** The same signature, written down with other parts than it was made over. */
function rewritten(signature: Uint8Array, changes: Partial<SshsigParts>): Uint8Array {
  const reader = new SshReader(signature);
  reader.take(10);
  const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
  const [blob, namespace, reserved, hash, inner] = Array.from({ length: 5 }, () => reader.string());
  return sshsigOf({
    magic: "SSHSIG",
    version: 1,
    blob: blob ?? new Uint8Array(),
    namespace: text(namespace),
    reserved: text(reserved),
    hash: text(hash),
    inner: inner ?? new Uint8Array(),
    ...changes,
  });
}

function innerOf(signature: Uint8Array): Uint8Array {
  const reader = new SshReader(signature);
  reader.take(10);
  for (let i = 0; i < 4; i++) reader.string();
  return reader.string() ?? new Uint8Array();
}

/** The second opinion: what ssh-keygen itself says of a signature. */
function acceptedBySsh(signature: Uint8Array, line: string): boolean {
  const allowed = `${keys.folder}/allowed`;
  const file = `${keys.folder}/presented.sig`;
  Deno.writeTextFileSync(allowed, `alice ${line}\n`);
  const base64 = signature.toBase64().replace(/.{70}/g, "$&\n");
  const armor = ["-----BEGIN SSH SIGNATURE-----", base64, "-----END SSH SIGNATURE-----", ""];
  Deno.writeTextFileSync(file, armor.join("\n"));
  const messageFile = `${keys.folder}/presented`;
  Deno.writeFileSync(messageFile, message);
  const verifying =
    `ssh-keygen -Y verify -n openexec -f ${allowed} -I alice -s ${file} < ${messageFile}`;
  return new Deno.Command("sh", { args: ["-c", verifying], stdin: "null" }).outputSync().success;
}
