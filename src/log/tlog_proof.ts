/**
 * C2SP tlog-proof v1: index, inclusion proof and signed checkpoint of one leaf, in one text file
 * (`.tlog-proof`) that verifies without the log.
 */

import { base64Encode } from "../core/bytes.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { type Proof, verifyInclusion } from "./proof.ts";
import { decodeDecimal, decodeHash, decodeStandardBase64 } from "./note.ts";

const HEADER = "c2sp.org/tlog-proof@v1";
/** No tree of up to 2^53 leaves needs more. */
const HASHES_MAX = 53;

export interface TlogProof {
  /** Zero-based. */
  readonly index: number;
  /** From the leaf's sibling up to the child of the root. */
  readonly hashes: Proof;
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  /** Carried along, and authenticated by nothing; null where there is none. */
  readonly extra: Uint8Array | null;
}

export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  const lines = [
    HEADER,
    ...(extra === null ? [] : [`extra ${base64Encode(extra)}`]),
    `index ${index}`,
    ...hashes.map(base64Encode),
  ];
  return `${lines.join("\n")}\n\n${checkpoint}`;
}

/** Returns undefined unless formatTlogProof writes it. The checkpoint stays unread. */
export function parseTlogProof(text: string): TlogProof | undefined {
  const blank = text.indexOf("\n\n");
  if (blank < 0) return undefined;
  const [header, ...lines] = text.slice(0, blank).split("\n");
  const extraText = valueOf(lines[0], "extra ");
  if (extraText !== undefined) lines.shift();
  const extra = extraText === undefined ? null : decodeStandardBase64(extraText);
  const index = decodeDecimal(valueOf(lines.shift(), "index ") ?? "");
  const hashes = lines.map(decodeHash).filter((hash) => hash !== undefined);
  if (header !== HEADER || extra === undefined || index === undefined) return undefined;
  if (hashes.length !== lines.length || hashes.length > HASHES_MAX) return undefined;
  return { index, hashes, checkpoint: text.slice(blank + 2), extra };
}

/** Returns the checkpoint that covers the leaf hash, if signature, origin and inclusion hold. */
export function verifyTlogProof(
  proof: TlogProof,
  leaf: Uint8Array,
  executorId: string,
  publicKeys: readonly Uint8Array[],
): Checkpoint | undefined {
  const checkpoint = openCheckpoint(proof.checkpoint, executorId, publicKeys);
  if (checkpoint === undefined) return undefined;
  const { size, root } = checkpoint;
  return verifyInclusion(leaf, proof.index, size, proof.hashes, root) ? checkpoint : undefined;
}

function valueOf(line: string | undefined, label: string): string | undefined {
  return line?.startsWith(label) ? line.slice(label.length) : undefined;
}
