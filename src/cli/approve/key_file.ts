/** Reads an approver's key file, which nobody but its owner may read. */

import { resolve } from "node:path";
import { type ApproverKey, parseApproverKey } from "../../client/approver_key.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { readText } from "../terminal/input.ts";

const FOR_OTHERS = 0o077;

/** Throws UsageError and InvalidApproverKey. It does not read a file that others may read. */
export function readKeyFile(context: Context, file: string): ApproverKey {
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
