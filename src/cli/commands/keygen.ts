/** `openexec keygen`: an approver's key, in a file that only its owner may read. */

import type { Command } from "commander";
import { resolve } from "node:path";
import { formatApproverKey, newApproverKey } from "../../client/approver_key.ts";
import { utf8Encode, writeAllSync } from "../../core/bytes.ts";
import { formatPublicKey } from "../../core/public_key.ts";
import { command, type JsonFlag } from "../command.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";

interface KeygenFlags extends JsonFlag {
  readonly keyid?: string;
  readonly name?: string;
}

export function keygenCommand(context: Context): Command {
  return command(
    "keygen",
    "make an approver's key",
    `Writes an Ed25519 key (mode 0600; an existing file stays as it is) and prints what an
    [[approvers]] table of the configuration needs of it. A person who can read the file can approve
    in this approver's name.`,
  )
    .argument("<file>", "where to write it")
    .option("--keyid <keyid>", "what to call the key (default: made from its public key)")
    .option("--name <name>", "the approver it belongs to, the `iss` of what it signs")
    .action((file: string, flags: KeygenFlags) => {
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
    });
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
    throw new UsageError(
      `${path} cannot be written: ${error instanceof Error ? error.name : "error"}`,
    );
  }
}
