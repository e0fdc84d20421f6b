/**
 * The lines that `openexec export` prints: JSON (RFC 8785), UTF-8, each ended by a newline.
 *
 *   {"executor_id":…,"format":"openexec.export.v1","public_key":"ed25519:…"}
 *   {"index":0,"receipt":{DSSE envelope}}    one line for each entry, in order
 *   {"checkpoint":"signed note"}             of exactly these entries, signed by the public key
 *
 * Invariant: a line is accepted only when it is, byte for byte, what this file writes for what it
 * says. So no byte can change unnoticed, white space included.
 */

import { canonicalJson } from "../core/json/canonical_json.ts";
import { parseEnvelope } from "../core/dsse.ts";
import { unlessRefused } from "../core/caught.ts";
import { type JsonNode, memberOf, parseIJson, toValue } from "../core/json/json.ts";
import { formatPublicKey } from "../core/keys/public_key.ts";
import { parseReceiptKey } from "../log/keyid.ts";
import { type LoggedReceipt, receiptEnvelope, receiptOfEnvelope } from "../log/signed_receipt.ts";

const FORMAT = "openexec.export.v1";

export interface ExportHeader {
  readonly executorId: string;
  /** The key that is current at the end, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export function formatHeader({ executorId, publicKey }: ExportHeader): string {
  const header = {
    executor_id: executorId,
    format: FORMAT,
    public_key: formatPublicKey(publicKey),
  };
  return `${canonicalJson(header)}\n`;
}

export function formatEntry(entry: LoggedReceipt): string {
  return `${canonicalJson({ index: entry.index, receipt: receiptEnvelope(entry) })}\n`;
}

export function formatFinalCheckpoint(checkpoint: string): string {
  return `${canonicalJson({ checkpoint })}\n`;
}

/** Returns undefined unless `line`, newline included, is one that formatHeader writes. */
export function parseHeader(line: string): ExportHeader | undefined {
  const node = unlessRefused(() => parseIJson(line));
  const executorId = textOf(node, "executor_id");
  const publicKey = parseReceiptKey(textOf(node, "public_key") ?? "");
  if (executorId === undefined || publicKey === undefined) return undefined;
  const header = { executorId, publicKey };
  return formatHeader(header) === line ? header : undefined;
}

/** Returns undefined unless `line`, newline included, is one that formatEntry writes. */
export function parseEntry(line: string): LoggedReceipt | undefined {
  const node = unlessRefused(() => parseIJson(line));
  const index = node === undefined ? undefined : memberOf(node, "index");
  const envelope = node === undefined
    ? undefined
    : parseEnvelope(toValue(memberOf(node, "receipt") ?? node));
  const receipt = envelope === undefined ? undefined : receiptOfEnvelope(envelope);
  if (index?.kind !== "number" || receipt === undefined) return undefined;
  const entry = { ...receipt, index: index.value };
  return formatEntry(entry) === line ? entry : undefined;
}

/** Returns undefined unless `line`, newline included, is one that formatFinalCheckpoint writes. */
export function parseFinalCheckpoint(line: string): string | undefined {
  const checkpoint = textOf(unlessRefused(() => parseIJson(line)), "checkpoint");
  return checkpoint !== undefined && formatFinalCheckpoint(checkpoint) === line
    ? checkpoint
    : undefined;
}

function textOf(node: JsonNode | undefined, name: string): string | undefined {
  const member = node === undefined ? undefined : memberOf(node, name);
  return member?.kind === "string" ? member.value : undefined;
}
