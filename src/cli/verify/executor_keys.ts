/** The executor keys a verification rests on: those given, else the state directory's, else what the daemon shows now. */

import { join, resolve } from "node:path";
import { isJsonObject } from "../../client/json.ts";
import { OpenExecUnreachable } from "../../client/errors.ts";
import { ConfigError } from "../../config/config_error.ts";
import { formatPublicKey, parsePublicKey } from "../../core/public_key.ts";
import { parseReceiptKey } from "../../log/keyid.ts";
import { ED25519, parseVkey } from "../../log/note.ts";
import { decodeReceipt } from "../../log/receipt.ts";
import { parseReceiptEnvelope } from "../../log/receipt_file.ts";
import type { Cli, DaemonFlags } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { readText } from "../terminal/input.ts";
import { findConfig, withDaemon } from "../context.ts";

/** Where a daemon leaves its public key, for its host's users. */
export const PUBLIC_KEY_FILE = "executor.pub";

export interface KeyFlags extends DaemonFlags {
  readonly executorKey: readonly string[];
  readonly offline?: true;
}

/** 32 bytes each, at least one. Throws UsageError. */
export async function executorKeys(cli: Cli, flags: KeyFlags): Promise<Uint8Array[]> {
  if (flags.executorKey.length > 0) {
    return flags.executorKey.map((text) => publicKeyArgument(cli, text));
  }
  const kept = keptKey(cli, flags);
  if (kept !== undefined) return [kept];
  const shown = flags.offline ? undefined : await shownKey(cli, flags);
  if (shown === undefined) {
    throw new UsageError("whose receipt this should be is not known; give --executor-key");
  }
  cli.terminal.note(`believing the daemon that its key is ${formatPublicKey(shown)}`);
  cli.terminal.note(
    "keep it, and give it as --executor-key: what a daemon shows proves nothing about the daemon",
  );
  return [shown];
}

/** 32 bytes, of `ed25519:BASE64`, a vkey, or a file that holds one. Throws UsageError. */
export function publicKeyArgument(cli: Cli, text: string): Uint8Array {
  const key = parseKey(text) ?? parseKey(readText(cli, text));
  if (key === undefined) {
    throw new UsageError(`${text} is no public key, and no file that holds one`);
  }
  return key;
}

function parseKey(text: string): Uint8Array | undefined {
  const vkey = parseVkey(text.trim());
  return vkey?.algorithm === ED25519 ? vkey.publicKey : parsePublicKey(text);
}

function keptKey(cli: Cli, flags: KeyFlags): Uint8Array | undefined {
  try {
    const { stateDir } = findConfig(cli, flags).config;
    return parseKey(Deno.readTextFileSync(resolve(cli.cwd, join(stateDir, PUBLIC_KEY_FILE))));
  } catch (error) {
    if (error instanceof ConfigError || error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

/** Entry 0 of every log names its first key, and is shown to everybody. */
async function shownKey(cli: Cli, flags: KeyFlags): Promise<Uint8Array | undefined> {
  try {
    const { attestation } = await withDaemon(cli, flags, "agent", (client) => {
      return client.receipt(0, { retry: false });
    });
    const signed = isJsonObject(attestation)
      ? parseReceiptEnvelope(JSON.stringify(attestation))
      : undefined;
    const receipt = signed === undefined ? undefined : decodeReceipt(signed.body);
    return receipt?.kind === "key" ? parseReceiptKey(receipt.new_public_key) : undefined;
  } catch (error) {
    if (error instanceof OpenExecUnreachable || error instanceof ConfigError) return undefined;
    throw error;
  }
}
