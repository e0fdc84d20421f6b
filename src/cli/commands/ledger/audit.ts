/** `openexec audit`: the whole log, and the ledger against it, offline. */

import type { Command } from "commander";
import { auditLog, type AuditOptions } from "../../../audit/audit.ts";
import { auditExport } from "../../../audit/export.ts";
import type { AuditReport } from "../../../audit/report.ts";
import { SignatureThread } from "../../../audit/signature_checks.ts";
import { hexEncode } from "../../../core/bytes.ts";
import { formatPublicKey } from "../../../core/keys/public_key.ts";
import { localCommand, type LocalFlags } from "../../command.ts";
import { type Context, findConfig } from "../../context.ts";
import { FAILED } from "../../exit_code.ts";
import { collect, readChunks } from "../../terminal/input.ts";
import { startProgress } from "../../terminal/progress.ts";
import { readCheckpoints } from "../../verify/checkpoints.ts";
import { publicKeyArgument } from "../../verify/executor_keys.ts";

interface AuditFlags extends LocalFlags {
  readonly executorKey: readonly string[];
  readonly checkpoint: readonly string[];
}

export function auditCommand(context: Context): Command {
  return localCommand(
    "audit",
    "check the whole log and ledger",
    `Rebuilds the tree, verifies every receipt, and matches ledger and log in both directions:
    executions, nonces, uses of approvals, revocations, and what is listed by peer or as unsettled;
    names the first bad entry. Reads a state directory (also of a running daemon), a copy or backup
    of one, or an export, which has the log alone. Opens no payload or result, so it needs no vault.
    What was cut off at the end shows only against a checkpoint kept elsewhere. With --json: ok,
    entries (good ones), root (of those; null where an entry is bad), executor_id, keys, anchored,
    and problem (null, or its code, index and detail).`,
  )
    .argument(
      "[export]",
      "what `openexec export` printed, - for standard input; absent: the state directory",
    )
    .option(
      "--executor-key <key>",
      "a key that must vouch for the log: as for `openexec verify`",
      collect,
      [],
    )
    .option(
      "--checkpoint <file>",
      "checkpoints kept elsewhere, one or many in a file (several: repeat)",
      collect,
      [],
    )
    .action(async (file: string | undefined, flags: AuditFlags) => {
      const options = {
        trustedKeys: flags.executorKey.map((key) => publicKeyArgument(context, key)),
        checkpoints: flags.checkpoint.flatMap((path) => readCheckpoints(context, path)),
      };
      const report = file === undefined
        ? await auditState(context, findConfig(context, flags).config.stateDir, options)
        : await watched(context, null, (watch) => {
          return auditExport(readChunks(context, file), { ...options, ...watch });
        });
      tell(context, report, flags);
      if (!report.ok) context.exitCode = FAILED;
    });
}

async function auditState(
  context: Context,
  stateDir: string,
  options: AuditOptions,
): Promise<AuditReport> {
  const { LedgerSnapshot } = await import("../../../audit/snapshot.ts"); // late: native code
  const snapshot = await LedgerSnapshot.open(stateDir);
  const size = snapshot.log.size();
  try {
    return await watched(context, size, (watch) => {
      const held = { nodes: snapshot.log, size, ledger: snapshot };
      return auditLog(snapshot.receipts(), { ...options, ...held, ...watch });
    });
  } finally {
    await snapshot.close();
  }
}

/** Runs an audit with its progress shown, and a thread for its signatures. */
async function watched(
  context: Context,
  entries: number | null,
  audit: (watch: AuditOptions) => Promise<AuditReport>,
): Promise<AuditReport> {
  const progress = startProgress(context, entries);
  using signatures = new SignatureThread();
  try {
    return await audit({ signatures, progress: (done) => progress.at(done) });
  } finally {
    progress.end();
  }
}

function tell(context: Context, report: AuditReport, flags: AuditFlags): void {
  const { ok, entries, executorId, anchored, problem: first } = report;
  const keys = report.keys.map(({ keyid, publicKey, since }) => ({
    keyid,
    public_key: formatPublicKey(publicKey),
    since,
  }));
  const root = report.root === null ? null : hexEncode(report.root);
  if (flags.json) {
    context.terminal.print(
      JSON.stringify({
        ok,
        entries,
        root,
        executor_id: executorId,
        keys,
        anchored,
        problem: first,
      }),
    );
    return;
  }
  const good = `${entries} entries of ${executorId ?? "an unknown executor"} are good`;
  context.terminal.print(root === null ? good : `${good}, root ${root}`);
  for (const { public_key, since } of keys) {
    context.terminal.print(`signed from entry ${since} on with ${public_key}`);
  }
  if (first !== null) {
    const where = first.index === null ? "" : ` at entry ${first.index}`;
    context.terminal.print(`NOT GOOD: ${first.code}${where}: ${first.detail}`);
  } else if (!anchored) {
    context.terminal.print(
      "the log vouches for itself: give --executor-key and --checkpoint " +
        "to hold it to what you know",
    );
  }
}
