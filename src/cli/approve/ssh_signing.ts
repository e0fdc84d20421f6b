/**
 * Signing by `ssh-keygen -Y sign`, which finds the key in an agent, in hardware, or in the file
 * beside the public one, and asks for a touch, a PIN or a passphrase itself.
 *
 * Invariant: a signature leaves here only if it verifies over the bytes that were to be signed.
 */

import { join, resolve } from "node:path";
import { Refusal } from "../../core/errors.ts";
import type { SshKey } from "../../core/keys/ssh_key.ts";
import { SSH_NAMESPACE, unarmored, verifySshsig } from "../../core/keys/sshsig.ts";
import { takeTerminalAsInput } from "../../os/terminal.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";

/**
 * Returns the binary SSHSIG of `pae` by the key whose public half is in `file`. Throws UsageError
 * without ssh-keygen, and Refusal approval_missing where it did not sign.
 */
export async function signBySsh(
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
