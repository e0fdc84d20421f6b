/** The key that an approver named on the command line, ready to sign in the approver's name. */

import { type ApproverSigner, keySigner } from "../../client/approver_signer.ts";
import type { DaemonFlags } from "../command.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { readKeyFile } from "./key_file.ts";
import { approverOf } from "./terms.ts";

export interface SignerFlags extends DaemonFlags {
  readonly key?: string;
  readonly iss?: string;
}

/** A signer whose approver is known: the `iss` of what it signs. */
export type NamedSigner = ApproverSigner & { readonly name: string };

/** Throws UsageError where no key is named, or nothing says whose it is. */
export function openSigner(context: Context, flags: SignerFlags): NamedSigner {
  if (flags.key === undefined) throw new UsageError("name the approver's key with --key");
  const key = readKeyFile(context, flags.key);
  const name = flags.iss ?? approverOf(context, key, flags) ?? key.name;
  if (name === null) {
    throw new UsageError(
      "whose key this is says neither the configuration nor its file; name the approver with --iss",
    );
  }
  return { ...keySigner(key), name };
}
