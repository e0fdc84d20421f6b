/** `openexec verify`: whether a receipt is genuine, offline. */

import type { Command } from "commander";
import type { Verification } from "../../log/verification.ts";
import { type VerifyOptions, verifyReceipt } from "../../log/verify_receipt.ts";
import { readCheckpoints } from "../verify/checkpoints.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import type { Context } from "../context.ts";
import { FAILED } from "../exit_code.ts";
import { collect, readArgument, readInput, readText, utf8Text } from "../terminal/input.ts";
import { executorKeys } from "../verify/executor_keys.ts";
import { missingProofs } from "../verify/missing_proofs.ts";

export interface VerifyFlags extends DaemonFlags {
  readonly executorKey: readonly string[];
  readonly executorId?: string;
  readonly checkpoint?: string;
  readonly proof?: string;
  readonly witness: readonly string[];
  readonly payload?: string;
  readonly result?: string;
  readonly offline?: true;
}

export function verifyCommand(context: Context): Command {
  return daemonCommand(
    "verify",
    "check a receipt",
    `FILE is what \`openexec exec\` or \`openexec show\` printed, the answer of GET /receipts/N, or
    a bare envelope. The verdict rests on the file, the executor's key and what you give beside it.
    Where a proof is missing the daemon is asked for it, and not believed. Ends with 1 when anything
    that was asked does not hold.`,
  )
    .argument("<file>", "the receipt; - reads standard input")
    .option(
      "--executor-key <key>",
      '"ed25519:BASE64", a vkey, or a file that holds one ' +
        "(default: executor.pub of the state directory, else what the daemon shows)",
      collect,
      [],
    )
    .option("--executor-id <id>", "the executor it must be of")
    .option(
      "--checkpoint <file>",
      "a checkpoint kept earlier or fetched later (of several in the file the last), " +
        "that must tell the same history",
    )
    .option("--proof <file>", "its C2SP tlog-proof, where the file holds none")
    .option("--witness <vkey>", "a witness that must have cosigned (several: repeat)", collect, [])
    .option("--payload <json>", "the payload it must be of; @FILE reads a file")
    .option("--result <json>", "the result it must be of; @FILE reads a file")
    .option("--offline", "ask no daemon for anything")
    .action(async (file: string, flags: VerifyFlags) => {
      const text = utf8Text(await readInput(context, file), file);
      const verification = verifyReceipt(text, await optionsOf(context, flags, text));
      tell(context, verification, flags);
      if (!verification.ok) context.exitCode = FAILED;
    });
}

async function optionsOf(
  context: Context,
  flags: VerifyFlags,
  text: string,
): Promise<VerifyOptions> {
  const opened = async (argument: string) =>
    utf8Text(await readArgument(context, argument), argument);
  const { executorId, payload, result } = flags;
  const given = {
    ...(flags.checkpoint === undefined
      ? {}
      : { checkpoint: readCheckpoints(context, flags.checkpoint).at(-1) ?? "" }),
    ...(flags.proof === undefined ? {} : { proof: readText(context, flags.proof) }),
    witnesses: flags.witness,
  };
  return {
    executorKeys: await executorKeys(context, flags),
    ...given,
    ...(flags.offline ? {} : await missingProofs(context, flags, text, given)),
    ...(executorId === undefined ? {} : { executorId }),
    ...(payload === undefined ? {} : { payload: await opened(payload) }),
    ...(result === undefined ? {} : { result: await opened(result) }),
  };
}

const MARKS = { passed: "ok", failed: "FAILED", not_checked: "not checked" } as const;

function tell(
  context: Context,
  { ok, receipt, keyid, logIndex, checks }: Verification,
  flags: VerifyFlags,
): void {
  if (flags.json) {
    context.terminal.print(JSON.stringify({ ok, keyid, log_index: logIndex, receipt, checks }));
    return;
  }
  for (const { name, outcome, detail } of checks) {
    context.terminal.print(`${MARKS[outcome].padEnd(12)}${name.padEnd(12)}${detail}`);
  }
  context.terminal.print(ok ? "genuine" : "NOT GENUINE, or not what was asked for");
}
