/** Audits an export: the log as JSON lines, with no daemon, no state directory and no trust in either. */

import { equalBytes } from "../core/bytes.ts";
import { type AuditOptions, LogAudit } from "./audit.ts";
import { type AuditProblem, type AuditReport, problem } from "./audit_report.ts";
import { openCheckpoint } from "./checkpoint.ts";
import {
  type ExportHeader,
  formatEntry,
  formatFinalCheckpoint,
  formatHeader,
} from "./export_format.ts";
import { type ExportFault, ExportReader } from "./export_reader.ts";
import type { LoggedReceipt } from "./signed_receipt.ts";

/** The lines of an export; `checkpoint` is the text of one of exactly these entries. */
export function* writeExport(
  header: ExportHeader,
  entries: Iterable<LoggedReceipt>,
  checkpoint: string,
): Generator<string> {
  yield formatHeader(header);
  for (const entry of entries) yield formatEntry(entry);
  yield formatFinalCheckpoint(checkpoint);
}

/** `chunks`: the bytes of an export, cut anywhere. */
export async function auditExport(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: AuditOptions,
): Promise<AuditReport> {
  const reader = new ExportReader();
  const audit = new LogAudit(options);
  for await (const chunk of chunks) {
    await audit.add(reader.read(chunk));
    if (audit.stopped || reader.fault !== null) break;
  }
  if (!audit.stopped) reader.end();
  if (reader.fault !== null) audit.fail(malformed(reader.fault));
  if (reader.checkpoint !== null) audit.keep(reader.checkpoint);
  const report = await audit.finish();
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
    header.executorId === report.executorId &&
    equalBytes(header.publicKey, current.publicKey);
  if (!isRight) return problem("export_malformed", null, "the header is not about this log");
  return openCheckpoint(checkpoint ?? "", header.executorId, [header.publicKey]) === undefined
    ? problem("checkpoint_not_signed", null, "the key in the header did not sign the checkpoint")
    : undefined;
}
