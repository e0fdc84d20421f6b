/** The key that an approver named on the command line, ready to sign in the approver's name. */

import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { type ApprovingKey, approvingKey, type KeyFlags } from "./approving_key.ts";
import { approverOf } from "./terms.ts";

export interface SignerFlags extends KeyFlags {
  readonly iss?: string;
}

/** A signer whose approver is known: the `iss` of what it signs. */
export type NamedSigner = ApprovingKey & { readonly name: string };

/** Throws UsageError unless one key is named, and where nothing says whose it is. */
export function openSigner(context: Context, flags: SignerFlags): NamedSigner {
  const key = approvingKey(context, flags);
  const name = flags.iss ?? approverOf(context, key, flags) ?? key.name;
  if (name === null) {
    throw new UsageError(
      "whose key this is says neither the configuration nor its file; name the approver with --iss",
    );
  }
  return { ...key, name };
}
