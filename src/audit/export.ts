/**
 * Exports: the log as JSON lines, which an audit checks with no daemon, no state directory and no
 * trust in either. Reading keeps one chunk and one line in memory. export_format.ts has the lines.
 */

import { concatBytes, equalBytes, utf8Decode } from "../core/bytes.ts";
import { StartupError } from "../core/startup_error.ts";
import { openCheckpoint, unverifiedHead } from "../log/checkpoint.ts";
import { parseReceiptKey } from "../log/keyid.ts";
import { decodeReceipt } from "../log/receipt.ts";
import type { LoggedReceipt } from "../log/signed_receipt.ts";
import { type NodeReader, rootOf } from "../log/tree.ts";
import { type AuditOptions, LogAudit } from "./audit.ts";
import {
  type ExportHeader,
  formatEntry,
  formatFinalCheckpoint,
  formatHeader,
  parseEntry,
  parseFinalCheckpoint,
  parseHeader,
} from "./export_format.ts";
import { type AuditProblem, type AuditReport, problem } from "./report.ts";

/** A log to export; a snapshot of a ledger is one. */
export interface ExportSource {
  readonly executorId: string;
  readonly log: NodeReader & {
    size(): number;
    leaf(index: number): LoggedReceipt | undefined;
  };
  receipts(): Iterable<LoggedReceipt>;
}

/**
 * Returns the lines of an export of the entries that `checkpoint` covers. Throws StartupError
 * unless the key that was current then signed it over exactly these entries.
 */
export function exportLog(source: ExportSource, checkpoint: string): Iterable<string> {
  const { executorId, log } = source;
  const size = unverifiedHead(checkpoint)?.size ?? 0;
  const publicKey = currentKey(log, size);
  const opened = publicKey && openCheckpoint(checkpoint, executorId, [publicKey]);
  if (!publicKey || !opened || !equalBytes(opened.root, rootOf(log, size))) {
    throw new StartupError(
      "The checkpoint is not one of this log",
      "Name the socket of the daemon whose state directory this is, or a checkpoint of it",
    );
  }
  return writeExport({ executorId, publicKey }, firstOf(source.receipts(), size), checkpoint);
}

/** Yields the lines of an export; `checkpoint` is the text of one of exactly these entries. */
export function* writeExport(
  header: ExportHeader,
  entries: Iterable<LoggedReceipt>,
  checkpoint: string,
): Generator<string> {
  yield formatHeader(header);
  for (const entry of entries) yield formatEntry(entry);
  yield formatFinalCheckpoint(checkpoint);
}

/** The key, 32 bytes, that the newest `key` receipt among the first `size` entries names. */
function currentKey(log: ExportSource["log"], size: number): Uint8Array | undefined {
  for (let index = Math.min(size, log.size()) - 1; index >= 0; index--) {
    const entry = log.leaf(index);
    const receipt = entry === undefined ? undefined : decodeReceipt(entry.body);
    if (receipt?.kind === "key") return parseReceiptKey(receipt.new_public_key);
  }
  return undefined;
}

function* firstOf(entries: Iterable<LoggedReceipt>, size: number): Generator<LoggedReceipt> {
  for (const entry of entries) {
    if (entry.index >= size) return;
    yield entry;
  }
}

/** Audits an export; `chunks` are its bytes, cut anywhere. */
export async function auditExport(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: AuditOptions,
): Promise<AuditReport> {
  const reader = new ExportReader();
  const audit = new LogAudit(options);
  for await (const chunk of chunks) {
    for (const entry of reader.read(chunk)) audit.add(entry);
    await audit.keepUp();
    if (audit.stopped || reader.fault !== null) break;
  }
  await audit.verifyAll();
  if (!audit.stopped) reader.end();
  if (reader.fault !== null) audit.fail(malformed(reader.fault));
  if (reader.checkpoint !== null && !audit.stopped) audit.close(reader.checkpoint);
  const report = audit.finish();
  const wrong = report.ok ? frameProblem(reader, report) : undefined;
  return wrong === undefined ? report : { ...report, ok: false, problem: wrong };
}

/** The header is line 1, entry 0 line 2. */
function malformed({ line, detail }: ExportFault): AuditProblem {
  return problem("export_malformed", line < 2 ? null : line - 2, `line ${line}: ${detail}`);
}

/** Header and checkpoint must name exactly the log between them, and its newest key. */
function frameProblem(
  { header, checkpoint }: ExportReader,
  report: AuditReport,
): AuditProblem | undefined {
  const current = report.keys.at(-1);
  const isRight = header !== null && current !== undefined &&
    header.executorId === report.executorId && equalBytes(header.publicKey, current.publicKey);
  if (!isRight) return problem("export_malformed", null, "the header is not about this log");
  return openCheckpoint(checkpoint ?? "", header.executorId, [header.publicKey]) === undefined
    ? problem("checkpoint_not_signed", null, "the key in the header did not sign the checkpoint")
    : undefined;
}

const NEWLINE = 0x0a;
/** A receipt is a few kilobytes; a longer line is an attempt to fill memory. */
const LINE_BYTES_MAX = 1_000_000;

interface ExportFault {
  /** Counted from 1, as editors do. */
  readonly line: number;
  readonly detail: string;
}

/** Reads an export line by line as its bytes arrive. */
export class ExportReader {
  header: ExportHeader | null = null;
  /** Text of the checkpoint that ends the export; null until then. */
  checkpoint: string | null = null;
  /** Set at the first line that an export does not have there. Nothing more is read. */
  fault: ExportFault | null = null;
  #lines = 0;
  #rest = new Uint8Array();

  /** Returns the entries that end in this chunk. */
  read(chunk: Uint8Array): LoggedReceipt[] {
    const bytes = concatBytes(this.#rest, chunk);
    const entries: LoggedReceipt[] = [];
    let start = 0;
    while (this.fault === null) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end < 0) break;
      const entry = this.#line(bytes.subarray(start, end + 1));
      if (entry !== undefined) entries.push(entry);
      start = end + 1;
    }
    this.#rest = bytes.slice(start);
    if (this.#rest.length > LINE_BYTES_MAX) this.#fail("it does not end");
    return entries;
  }

  /** Called when no chunk follows. An export that ends before its checkpoint was cut off. */
  end(): void {
    if (this.fault === null && (this.checkpoint === null || this.#rest.length > 0)) {
      this.#lines++;
      this.#fail("the export ends before its checkpoint, or goes on after it");
    }
  }

  #line(bytes: Uint8Array): LoggedReceipt | undefined {
    this.#lines++;
    const line = utf8Decode(bytes) ?? "";
    if (this.header === null) {
      this.header = parseHeader(line) ?? null;
      if (this.header === null) this.#fail("it is not the header of an export");
      return undefined;
    }
    if (this.checkpoint !== null) {
      this.#fail("it follows the checkpoint");
      return undefined;
    }
    const entry = parseEntry(line);
    if (entry !== undefined) return entry;
    this.checkpoint = parseFinalCheckpoint(line) ?? null;
    if (this.checkpoint === null) {
      this.#fail("it is neither an entry nor the checkpoint of an export");
    }
    return undefined;
  }

  #fail(detail: string): void {
    this.fault ??= { line: this.#lines, detail };
  }
}
