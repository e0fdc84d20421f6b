/** `openexec export`: the log as JSON lines, whole and signed, for whoever audits elsewhere. */

import type { Command } from "commander";
import { equalBytes, utf8Encode } from "../core/bytes.ts";
import { StartupError } from "../core/startup_error.ts";
import type { LedgerSnapshot } from "../ledger/snapshot.ts";
import { openCheckpoint } from "../log/checkpoint.ts";
import { formatEntry, formatFinalCheckpoint, formatHeader } from "../log/export_format.ts";
import { parseReceiptKey } from "../log/keyid.ts";
import { decodeReceipt } from "../log/receipt.ts";
import { rootOf } from "../log/tree.ts";
import { readCheckpoints } from "./checkpoint_files.ts";
import { type Cli, type DaemonFlags, localCommand, type LocalFlags } from "./command.ts";
import { newestCheckpoint, signedCheckpoint } from "./export_checkpoint.ts";
import { checkpointSize } from "./missing_proofs.ts";
import { startProgress } from "./progress.ts";
import { findConfig } from "./surroundings.ts";

interface ExportFlags extends LocalFlags, DaemonFlags {
  readonly checkpoint?: string;
}

export function exportCommand(cli: Cli): Command {
  return localCommand(
    "export",
    "print the log as JSON lines",
    "One header, one line for each receipt, one signed checkpoint of exactly these; `openexec audit` reads it. It holds no " +
      "payload and no result. The checkpoint is the running daemon's, else made with the executor's key in the state " +
      "directory.",
  )
    .option(
      "--socket <path>",
      "the daemon's socket (default: $OPENEXEC_SOCKET, else of the configuration)",
    )
    .option(
      "--checkpoint <file>",
      "end with this checkpoint (of several in the file the last), as the log was then: for a copy without keys",
    )
    .action(async (flags: ExportFlags) => {
      const { stateDir } = findConfig(cli, flags).config;
      // before the snapshot is taken, which then holds at least what it covers
      const kept = flags.checkpoint === undefined
        ? await newestCheckpoint(cli, flags)
        : readCheckpoints(cli, flags.checkpoint).at(-1);
      const { LedgerSnapshot } = await import("../ledger/snapshot.ts"); // not before: it loads native code
      const snapshot = await LedgerSnapshot.open(stateDir);
      try {
        const checkpoint = kept ?? signedCheckpoint(snapshot, stateDir);
        print(cli, snapshot, checkpoint, signingKey(snapshot, checkpoint));
      } finally {
        await snapshot.close();
      }
    });
}

const CHUNK_CHARACTERS = 65_536;

function print(
  cli: Cli,
  snapshot: LedgerSnapshot,
  checkpoint: string,
  publicKey: Uint8Array,
): void {
  const size = checkpointSize(checkpoint) ?? 0;
  const progress = startProgress(cli, "entries", size);
  let chunk = formatHeader({ executorId: snapshot.executorId, publicKey });
  for (const receipt of snapshot.receipts()) {
    if (receipt.index >= size) break;
    chunk += formatEntry(receipt);
    if (chunk.length < CHUNK_CHARACTERS) continue;
    cli.terminal.write(utf8Encode(chunk));
    progress.at(receipt.index);
    chunk = "";
  }
  cli.terminal.write(utf8Encode(chunk + formatFinalCheckpoint(checkpoint)));
  progress.end();
}

/** The key that is current at the end, 32 bytes; throws StartupError unless it signed this checkpoint of this very log. */
function signingKey({ executorId, log }: LedgerSnapshot, checkpoint: string): Uint8Array {
  const size = checkpointSize(checkpoint) ?? 0;
  const key = currentKey(log, size);
  const opened = key === undefined ? undefined : openCheckpoint(checkpoint, executorId, [key]);
  if (key === undefined || opened === undefined || !equalBytes(opened.root, rootOf(log, size))) {
    throw new StartupError(
      "The checkpoint is not one of this log",
      "Name the socket of the daemon whose state directory this is, or a checkpoint of it",
    );
  }
  return key;
}

/** What the newest `key` receipt among the first `size` names; entry 0 is one. */
function currentKey(log: LedgerSnapshot["log"], size: number): Uint8Array | undefined {
  for (let index = Math.min(size, log.size()) - 1; index >= 0; index--) {
    const entry = log.leaf(index);
    const receipt = entry === undefined ? undefined : decodeReceipt(entry.body);
    if (receipt?.kind === "key") return parseReceiptKey(receipt.new_public_key);
  }
  return undefined;
}
