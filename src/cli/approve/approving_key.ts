/**
 * The key that an approver named on the command line, ready to sign in the approver's name: in a
 * file of ours, which nobody but its owner may read, or an SSH key.
 *
 * Invariant: a signature by an SSH key leaves here only if it verifies over the bytes that were to
 * be signed.
 */

import { join, resolve } from "node:path";
import {
  type ApproverKey,
  type ApproverSigner,
  keyidFor,
  keySigner,
  parseApproverKey,
} from "../../client/approver_key.ts";
import type { ApproverConfig } from "../../config/config.ts";
import { equalBytes } from "../../core/bytes.ts";
import { Refusal } from "../../core/errors.ts";
import { parseSshKey, SSH_KEY_TYPES, type SshKey } from "../../core/keys/ssh_key.ts";
import { SSH_NAMESPACE, unarmored, verifySshsig } from "../../core/keys/sshsig.ts";
import type { KeyKind } from "../../core/types.ts";
import { takeTerminalAsInput } from "../../os/terminal.ts";
import type { DaemonFlags } from "../command.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { readText } from "../terminal/input.ts";
import { configurationHere } from "./knowledge.ts";

export interface KeyFlags extends DaemonFlags {
  readonly key?: string;
  readonly ssh?: string;
  readonly keyid?: string;
}

export interface SignerFlags extends KeyFlags {
  readonly iss?: string;
}

export const SSH_HELP =
  "the .pub file of the approver's SSH key: ssh-keygen signs, by an agent, hardware or a file";
export const KEYID_HELP =
  "with --ssh: the key's name (default: of the configuration, else made from the key)";

/** A key as the configuration knows it. */
export interface PublicHalf {
  readonly kind: KeyKind;
  readonly keyid: string;
  /** The key alone: 32 bytes of Ed25519, or an uncompressed point of P-256, 65 bytes. */
  readonly publicKey: Uint8Array;
}

export type ApprovingKey = ApproverSigner & PublicHalf;

/** A signer whose approver is known: the `iss` of what it signs. */
export type NamedSigner = ApprovingKey & { readonly name: string };

/** Returns the approver who has exactly this key, under this name and of this kind. */
export function ownerOf(
  approvers: readonly ApproverConfig[],
  key: PublicHalf,
): ApproverConfig | undefined {
  return approvers.find(({ keys }) =>
    keys.some(({ kind, keyid, publicKey }) =>
      kind === key.kind && keyid === key.keyid && equalBytes(publicKey, key.publicKey)
    )
  );
}

export function approversOf(context: Context, flags: DaemonFlags): readonly ApproverConfig[] {
  return configurationHere(context, flags)?.approvers ?? [];
}

/** Returns whose key it is: of the flag, else the configuration, else the key's file. */
export function approverOf(
  context: Context,
  key: ApprovingKey,
  flags: SignerFlags,
): string | null {
  return flags.iss ?? ownerOf(approversOf(context, flags), key)?.name ?? key.name;
}

/** Does the same, and throws UsageError where nothing says it. */
export function requireApprover(...asked: Parameters<typeof approverOf>): string {
  const name = approverOf(...asked);
  if (name !== null) return name;
  throw new UsageError(
    "whose key this is says neither the configuration nor its file; name the approver with --iss",
  );
}

/** Throws UsageError unless one key is named, and where nothing says whose it is. */
export function openSigner(context: Context, flags: SignerFlags): NamedSigner {
  const key = approvingKey(context, flags);
  return { ...key, name: requireApprover(context, key, flags) };
}

/** Throws UsageError unless exactly one key is named, and InvalidApproverKey. */
export function approvingKey(context: Context, flags: KeyFlags): ApprovingKey {
  if ((flags.key === undefined) === (flags.ssh === undefined)) {
    throw new UsageError("name the approver's key, with one of --key and --ssh");
  }
  if (flags.ssh !== undefined) return sshKey(context, flags.ssh, flags);
  if (flags.keyid !== undefined) throw new UsageError("--keyid goes with --ssh");
  const key = readKeyFile(context, flags.key ?? "");
  return { ...keySigner(key), kind: "ed25519", publicKey: key.publicKey };
}

/** An SSH key has no keyid of its own: the configuration names it, else the key does. */
function sshKey(context: Context, file: string, flags: KeyFlags): ApprovingKey {
  const key = parseSshKey(readText(context, file));
  if (key === undefined) throw new UsageError(notTaken(file));
  const { publicKey } = key;
  const kind = "sshsig";
  const owner = configurationHere(context, flags)?.approvers.flatMap(({ name, keys }) =>
    keys.filter((known) => known.kind === kind && equalBytes(known.publicKey, publicKey))
      .map(({ keyid }) => ({ name, keyid }))
  )[0];
  const keyid = flags.keyid ?? owner?.keyid ?? keyidFor(publicKey);
  const name = owner?.name ?? null;
  const sign = (pae: Uint8Array) => signBySsh(context, file, key, pae);
  return { keyid, name, kind, publicKey, sign };
}

/**
 * Signs by `ssh-keygen -Y sign`, which finds the key in an agent, in hardware, or in the file
 * beside the public one, and asks for a touch, a PIN or a passphrase itself.
 *
 * Returns the binary SSHSIG of `pae` by the key whose public half is in `file`. Throws UsageError
 * without ssh-keygen, and Refusal approval_missing where it did not sign.
 */
async function signBySsh(
  context: Context,
  file: string,
  key: SshKey,
  pae: Uint8Array,
): Promise<Uint8Array> {
  const folder = Deno.makeTempDirSync({ prefix: "openexec-" });
  try {
    const message = join(folder, "approval");
    Deno.writeFileSync(message, pae, { mode: 0o600 });
    const code = await runSshKeygen(context, resolve(context.cwd, file), message);
    if (code !== 0) throw unsigned(`ssh-keygen ended with ${code}`);
    const signature = unarmored(Deno.readTextFileSync(`${message}.sig`));
    if (signature !== undefined && verifySshsig(signature, pae, key)) return signature;
    throw unsigned("the signature that ssh-keygen made does not verify");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** It asks on standard error, and reads answers from its input where that is a terminal. */
async function runSshKeygen(context: Context, file: string, message: string): Promise<number> {
  if (!context.terminal.inputIsTerminal) takeTerminalAsInput();
  try {
    const { code } = await new Deno.Command("ssh-keygen", {
      args: ["-q", "-Y", "sign", "-n", SSH_NAMESPACE, "-f", file, message],
      stdin: "inherit",
      stdout: "null",
      stderr: "inherit",
    }).output();
    return code;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
      throw new UsageError("there is no ssh-keygen here; install OpenSSH's client");
    }
    throw error;
  }
}

function unsigned(why: string): Refusal {
  return new Refusal("approval_missing", `not approved: ${why}`);
}

/** The reason for a file that is no public key of a type that we take. */
export function notTaken(file: string): string {
  return `${file} is no public key of OpenSSH, of a type that is taken: ${
    SSH_KEY_TYPES.join(", ")
  }`;
}

const FOR_OTHERS = 0o077;

/** Throws UsageError and InvalidApproverKey. It does not read a file that others may read. */
function readKeyFile(context: Context, file: string): ApproverKey {
  const mode = modeOf(resolve(context.cwd, file)) & 0o777;
  if ((mode & FOR_OTHERS) !== 0) {
    throw new UsageError(
      `${file} has mode ${mode.toString(8).padStart(4, "0")}: others may use the key. ` +
        `Run \`chmod 600\` on it, and make a new key if they could read it`,
    );
  }
  return parseApproverKey(readText(context, file));
}

/** 0 where there is no such file: reading it then says so. */
function modeOf(path: string): number {
  try {
    return Deno.statSync(path).mode ?? 0;
  } catch {
    return 0;
  }
}
