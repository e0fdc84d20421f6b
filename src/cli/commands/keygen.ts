/** `openexec keygen`: an approver's key, in a file that only its owner may read. */

import type { Command } from "commander";
import { resolve } from "node:path";
import { formatApproverKey, keyidFor, newApproverKey } from "../../client/approver_key.ts";
import { base64Encode, utf8Encode, writeAllSync } from "../../core/bytes.ts";
import { isName } from "../../core/limits.ts";
import { formatPublicKey } from "../../core/keys/public_key.ts";
import { parseSshKey } from "../../core/keys/ssh_key.ts";
import { notTaken } from "../approve/approving_key.ts";
import { command, type JsonFlag } from "../command.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { readText } from "../terminal/input.ts";
import { unwritable } from "../terminal/output.ts";

interface KeygenFlags extends JsonFlag {
  readonly keyid?: string;
  readonly name?: string;
  readonly ssh?: string;
}

export function keygenCommand(context: Context): Command {
  return command(
    "keygen",
    "make an approver's key",
    `Writes an Ed25519 key (mode 0600; an existing file stays as it is) and prints what an
    [[approvers]] table of the configuration needs of it. A person who can read the file can approve
    in this approver's name. With --ssh it makes no key, and prints what the table needs of one that
    is there, best in a security key: \`ssh-keygen -t ed25519-sk -O verify-required\`.`,
  )
    .argument("[file]", "where to write it")
    .option("--ssh <file>", "the .pub file of an SSH key")
    .option("--keyid <keyid>", "what to call the key (default: made from its public key)")
    .option("--name <name>", "the approver it belongs to, the `iss` of what it signs")
    .action((file: string | undefined, flags: KeygenFlags) => {
      if ((file === undefined) === (flags.ssh === undefined)) {
        throw new UsageError("name a file to write, or with --ssh the key that is there");
      }
      if (file !== undefined) makeKey(context, file, flags);
      else showSshKey(context, flags.ssh ?? "", flags);
    });
}

function makeKey(context: Context, file: string, flags: KeygenFlags): void {
  const { keyid, name } = flags;
  const key = newApproverKey({
    ...(keyid === undefined ? {} : { keyid }),
    ...(name === undefined ? {} : { name }),
  });
  writeNew(resolve(context.cwd, file), formatApproverKey(key));
  const publicKey = formatPublicKey(key.publicKey);
  const shown = { keyid: key.keyid, public_key: publicKey };
  context.terminal.print(
    flags.json
      ? JSON.stringify({ file, ...(name === undefined ? {} : { name }), ...shown })
      : `keys = [{ keyid = ${JSON.stringify(key.keyid)}, public_key = "${publicKey}" }]`,
  );
}

/** Prints the key without its comment, which anyone may have written. */
function showSshKey(context: Context, file: string, flags: KeygenFlags): void {
  const key = parseSshKey(readText(context, file));
  if (key === undefined) throw new UsageError(notTaken(file));
  const { keyid = keyidFor(key.publicKey), name } = flags;
  if (!isName(keyid)) throw new UsageError("a keyid is 1 to 255 characters of visible ASCII");
  const shown = { keyid, ssh: `${key.type} ${base64Encode(key.blob)}` };
  context.terminal.print(
    flags.json
      ? JSON.stringify({ file, ...(name === undefined ? {} : { name }), ...shown })
      : `keys = [{ keyid = ${JSON.stringify(keyid)}, ssh = "${shown.ssh}" }]`,
  );
}

function writeNew(path: string, text: string): void {
  try {
    using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    writeAllSync(file, utf8Encode(text));
    file.syncSync();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new UsageError(`${path} exists; it stays as it is`);
    }
    throw unwritable(path, error);
  }
}
