/** Checks whether a receipt is in the log that a checkpoint describes, and who cosigned that. */

import { equalBytes } from "../core/bytes.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { checkCosignature, parseWitness } from "./note.ts";
import { type Proof, verifyConsistency } from "./proof.ts";
import type { ReceiptFile } from "./receipt_file.ts";
import { parseTlogProof, verifyTlogProof } from "./tlog_proof.ts";
import { leafHash } from "./tree.ts";
import { type Check, failed, notChecked, passed } from "./verification.ts";

/** The questions about the log. */
export interface LogQuestions {
  /** Text of a checkpoint that was kept earlier or fetched later. */
  readonly checkpoint?: string;
  /** Hashes of GET /log/consistency between that checkpoint and the proof's, if sizes differ. */
  readonly consistency?: readonly Uint8Array[];
  /** Text of a C2SP tlog-proof, where the file has none. */
  readonly proof?: string;
  /** The vkeys of witnesses, each of whom must have cosigned. */
  readonly witnesses?: readonly string[];
}

export interface Logged {
  readonly checks: readonly Check[];
  /** The index that was proven, or null. */
  readonly index: number | null;
}

export function verifyLogged(
  file: ReceiptFile,
  executorId: string,
  keys: readonly Uint8Array[],
  asked: LogQuestions,
): Logged {
  const inclusion = includedIn(file, executorId, keys, asked);
  const checks = [inclusion.check];
  const seen = inclusion.checkpoint === null ? [] : [inclusion.checkpoint];
  if (asked.checkpoint !== undefined) {
    const kept = openCheckpoint(asked.checkpoint, executorId, keys);
    checks.push(
      kept === undefined
        ? failed("checkpoint", "it is not one of this log, signed by a key of its executor")
        : passed("checkpoint", `of ${kept.size} entries`),
    );
    const consistency = consistencyCheck(inclusion.checkpoint, kept, asked.consistency);
    checks.push(consistency);
    if (kept !== undefined && consistency.outcome === "passed") seen.push(kept);
  }
  checks.push(...(asked.witnesses ?? []).map((vkey) => witnessCheck(vkey, seen, keys)));
  return { checks, index: inclusion.index };
}

interface Inclusion {
  readonly check: Check;
  readonly index: number | null;
  readonly checkpoint: Checkpoint | null;
}

function includedIn(
  file: ReceiptFile,
  executorId: string,
  keys: readonly Uint8Array[],
  asked: LogQuestions,
): Inclusion {
  const none = (check: Check): Inclusion => ({ check, index: null, checkpoint: null });
  const text = asked.proof ?? file.proof;
  if (text === null) {
    const needed = asked.checkpoint !== undefined || (asked.witnesses ?? []).length > 0;
    const detail = "the file holds no proof that it is in the log";
    return none(needed ? failed("inclusion", detail) : notChecked("inclusion", detail));
  }
  const proof = parseTlogProof(text);
  if (proof === undefined) return none(failed("inclusion", "its proof is no C2SP tlog-proof"));
  if (file.index !== null && file.index !== proof.index) {
    return none(
      failed("inclusion", `the file says entry ${file.index}, its proof entry ${proof.index}`),
    );
  }
  const checkpoint = verifyTlogProof(proof, leafHash(file.receipt.body), executorId, keys);
  if (checkpoint === undefined) {
    return none(
      failed("inclusion", "its proof does not lead to a checkpoint that this executor signed"),
    );
  }
  const check = passed("inclusion", `entry ${proof.index} of ${checkpoint.size}`);
  return { check, index: proof.index, checkpoint };
}

/** Finds a log that shows two histories. Nothing else does, so a proof that is missing fails. */
function consistencyCheck(
  proven: Checkpoint | null,
  kept: Checkpoint | undefined,
  hashes: Proof | undefined,
): Check {
  if (proven === null || kept === undefined) {
    return failed("consistency", "there are no two checkpoints to compare");
  }
  const [older, newer] = proven.size <= kept.size ? [proven, kept] : [kept, proven];
  if (older.size < newer.size && hashes === undefined) {
    return failed(
      "consistency",
      `the proof is for ${proven.size} entries, the checkpoint for ${kept.size}: ` +
        `a consistency proof from ${older.size} to ${newer.size} is needed`,
    );
  }
  return verifyConsistency(older.size, newer.size, older.root, newer.root, hashes ?? [])
    ? passed("consistency", `${older.size} and ${newer.size} entries are one history`)
    : failed("consistency", `${older.size} and ${newer.size} entries are not one history`);
}

function witnessCheck(
  vkey: string,
  seen: readonly Checkpoint[],
  keys: readonly Uint8Array[],
): Check {
  const witness = parseWitness(vkey);
  if (witness === undefined) {
    return failed("witness", "this is no vkey of a witness (cosignature/v1)");
  }
  if (keys.some((key) => equalBytes(key, witness.publicKey))) {
    return failed("witness", `${witness.name} has the executor's own key`);
  }
  const found = seen.map(({ note }) => checkCosignature(note, witness));
  if (found.some(({ status }) => status === "invalid")) {
    return failed("witness", `a cosignature of ${witness.name} does not verify`);
  }
  const valid = found.find((cosignature) => cosignature.status === "valid");
  return valid === undefined
    ? failed("witness", `${witness.name} did not cosign`)
    : passed("witness", `${witness.name} at ${valid.timestampSeconds} seconds since 1970`);
}
