/** Keys and signatures by the real ssh-keygen, with a security key in software. */

import { parseSshKey, type SshKey, sshStrings } from "../../src/core/keys/ssh_key.ts";
import { unarmored } from "../../src/core/keys/sshsig.ts";

export interface SshKeyFile {
  /** Of the private key; the public one is beside it, with .pub. */
  readonly path: string;
  /** The line of the .pub file. */
  readonly line: string;
  readonly key: SshKey;
}

/** A folder of keys, of one `security_key.so`, and of what they sign. */
export class SshKeys implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "openexec-ssh-" });
  #provider: string | undefined;
  #count = 0;

  /** `type` as `ssh-keygen -t` has it, such as ed25519-sk. */
  make(type: string, options: readonly string[] = []): SshKeyFile {
    const path = `${this.folder}/key-${this.#count++}`;
    run("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "a comment", "-f", path, ...options], {
      SSH_SK_PROVIDER: this.provider,
    });
    const line = Deno.readTextFileSync(`${path}.pub`).trim();
    const key = parseSshKey(line);
    if (key === undefined) throw new Error(`${line} does not parse`);
    return { path, line, key };
  }

  /** The signature in its binary form. `flags` are what a security key shall claim. */
  sign(file: string, message: Uint8Array, options: SignOptions = {}): Uint8Array {
    const { namespace = "openexec", hash = "sha512", flags, environment = {} } = options;
    const path = `${this.folder}/message-${this.#count++}`;
    Deno.writeFileSync(path, message);
    const asked = ["-Y", "sign", "-n", namespace, "-O", `hashalg=${hash}`, "-f", file, path];
    run("ssh-keygen", asked, {
      SSH_SK_PROVIDER: this.provider,
      ...(flags === undefined ? {} : { SECURITY_KEY_FLAGS: flags.toString(16) }),
      ...environment,
    });
    return unarmored(Deno.readTextFileSync(`${path}.sig`)) ?? new Uint8Array();
  }

  /** Path of the library that OpenSSH takes for a security key. */
  get provider(): string {
    if (this.#provider === undefined) {
      this.#provider = `${this.folder}/security_key.so`;
      const source = new URL("security_key.c", import.meta.url).pathname;
      run("gcc", ["-shared", "-fPIC", "-o", this.#provider, source, "-l:libcrypto.so.3"]);
    }
    return this.#provider;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

interface SignOptions {
  readonly namespace?: string;
  readonly hash?: "sha256" | "sha512";
  readonly flags?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. Throws with what it said where it failed. */
export function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): string {
  const { code, stdout, stderr } = new Deno.Command(program, {
    args: [...args],
    env: environment,
    stdin: "null",
  }).outputSync();
  const said = new TextDecoder().decode(stdout);
  if (code !== 0) throw new Error(`${program} failed: ${said}${new TextDecoder().decode(stderr)}`);
  return said;
}

/** The parts of a signature, each of which a test may change. */
export interface SshsigParts {
  magic: string;
  version: number;
  blob: Uint8Array;
  namespace: string;
  reserved: string;
  hash: string;
  inner: Uint8Array;
}

/** Writes a signature down from its parts. */
export function sshsigOf(parts: SshsigParts): Uint8Array {
  const { magic, version, blob, namespace, reserved, hash, inner } = parts;
  return Uint8Array.of(
    ...new TextEncoder().encode(magic),
    ...[0, 0, 0, version],
    ...sshStrings(blob, namespace, reserved, hash, inner),
  );
}
