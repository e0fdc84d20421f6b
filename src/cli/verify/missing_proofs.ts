/**
 * The proofs that a verification lacks, from a daemon: that the log holds the receipt, and that two
 * checkpoints tell one history. They are checked like those of a file, so nothing is believed.
 */

import type { OpenExecClient } from "../../client/client.ts";
import { OpenExecError, OpenExecUnreachable } from "../../client/errors.ts";
import { ConfigError } from "../../config/config_error.ts";
import { unverifiedHead } from "../../log/checkpoint.ts";
import { parseReceiptFile } from "../../log/receipt_file.ts";
import { parseTlogProof } from "../../log/tlog_proof.ts";
import type { LogQuestions } from "../../log/verify_logged.ts";
import type { DaemonFlags } from "../command.ts";
import { type Context, withDaemon } from "../context.ts";

/**
 * `text` is the receipt's file. Returns nothing where no proof is missing, or no daemon answers.
 */
export async function missingProofs(
  context: Context,
  flags: DaemonFlags,
  text: string,
  given: LogQuestions,
): Promise<Pick<LogQuestions, "proof" | "consistency">> {
  const file = parseReceiptFile(text);
  const asked = given.checkpoint !== undefined || (given.witnesses ?? []).length > 0;
  if (file === undefined || !asked) return {};
  const held = given.proof ?? file.proof;
  try {
    return await withDaemon(context, flags, "agent", async (client) => {
      const proof = held ?? await fetchProof(client, file.index);
      const consistency = await fetchConsistency(client, proof, given.checkpoint);
      return {
        ...(proof === undefined ? {} : { proof }),
        ...(consistency === undefined ? {} : { consistency }),
      };
    });
  } catch (error) {
    const absent = error instanceof OpenExecUnreachable || error instanceof OpenExecError ||
      error instanceof ConfigError;
    if (absent) return {};
    throw error;
  }
}

async function fetchProof(
  client: OpenExecClient,
  index: number | null,
): Promise<string | undefined> {
  if (index === null) return undefined;
  const { tlog_proof } = await client.receipt(index);
  return typeof tlog_proof === "string" ? tlog_proof : undefined;
}

async function fetchConsistency(
  client: OpenExecClient,
  proof: string | undefined,
  checkpoint: string | undefined,
): Promise<readonly Uint8Array[] | undefined> {
  const proven = unverifiedHead(parseTlogProof(proof ?? "")?.checkpoint ?? "")?.size;
  const kept = unverifiedHead(checkpoint ?? "")?.size;
  if (proven === undefined || kept === undefined || proven === kept) return undefined;
  return await client.consistency(Math.min(proven, kept), Math.max(proven, kept));
}
