/**
 * The executor keys of a verification: given, else the state directory's, else the daemon's word.
 */

import { isJsonObject } from "../../core/json/json.ts";
import { join, resolve } from "node:path";
import { OpenExecUnreachable } from "../../client/errors.ts";
import { ConfigError } from "../../config/config_error.ts";
import { formatPublicKey, parsePublicKey } from "../../core/keys/public_key.ts";
import { readRegularText } from "../../os/regular_file.ts";
import { parseReceiptKey } from "../../log/keyid.ts";
import { ED25519, parseVkey } from "../../log/note.ts";
import { openReceipt } from "../../log/signed_receipt.ts";
import { parseReceiptEnvelope } from "../../log/receipt_file.ts";
import type { DaemonFlags } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { readText } from "../terminal/input.ts";
import { type Context, findConfig, withDaemon } from "../context.ts";

/** Where a daemon leaves its public key, for the users of its host. */
export const PUBLIC_KEY_FILE = "executor.pub";

export interface KeyFlags extends DaemonFlags {
  readonly executorKey: readonly string[];
  readonly offline?: true;
}

/** Returns at least one key, 32 bytes each. Throws UsageError. */
export async function executorKeys(context: Context, flags: KeyFlags): Promise<Uint8Array[]> {
  if (flags.executorKey.length > 0) {
    return flags.executorKey.map((text) => publicKeyArgument(context, text));
  }
  const kept = keptKey(context, flags);
  if (kept !== undefined) return [kept];
  const shown = flags.offline ? undefined : await shownKey(context, flags);
  if (shown === undefined) {
    throw new UsageError("the key of the executor is not known; give --executor-key");
  }
  context.terminal.note(`believing the daemon that its key is ${formatPublicKey(shown)}`);
  context.terminal.note(
    "keep it, and give it as --executor-key: what a daemon shows proves nothing about the daemon",
  );
  return [shown];
}

/** Reads 32 bytes from `ed25519:BASE64`, a vkey, or a file that holds one. Throws UsageError. */
export function publicKeyArgument(context: Context, text: string): Uint8Array {
  const key = parseKey(text) ?? parseKey(readText(context, text));
  if (key === undefined) {
    throw new UsageError(`${text} is no public key, and no file that holds one`);
  }
  return key;
}

function parseKey(text: string): Uint8Array | undefined {
  const vkey = parseVkey(text.trim());
  return vkey?.algorithm === ED25519 ? vkey.publicKey : parsePublicKey(text);
}

function keptKey(context: Context, flags: KeyFlags): Uint8Array | undefined {
  try {
    const { stateDir } = findConfig(context, flags).config;
    return parseKey(readRegularText(resolve(context.cwd, join(stateDir, PUBLIC_KEY_FILE))));
  } catch (error) {
    if (error instanceof ConfigError || error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

/** Entry 0 of every log names its first key, and is shown to every peer. */
async function shownKey(context: Context, flags: KeyFlags): Promise<Uint8Array | undefined> {
  try {
    const { attestation } = await withDaemon(context, flags, "agent", (client) => {
      return client.receipt(0);
    });
    const signed = isJsonObject(attestation)
      ? parseReceiptEnvelope(JSON.stringify(attestation))
      : undefined;
    const receipt = signed === undefined ? undefined : openReceipt(signed);
    return receipt?.kind === "key" ? parseReceiptKey(receipt.new_public_key) : undefined;
  } catch (error) {
    if (error instanceof OpenExecUnreachable || error instanceof ConfigError) return undefined;
    throw error;
  }
}
