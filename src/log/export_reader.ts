/** Reads an export as its bytes arrive, line by line; memory holds one chunk and one line. */

import { concatBytes, utf8Decode } from "../core/bytes.ts";
import {
  type ExportHeader,
  parseEntry,
  parseFinalCheckpoint,
  parseHeader,
} from "./export_format.ts";
import type { LoggedReceipt } from "./signed_receipt.ts";

const NEWLINE = 0x0a;
/** A receipt is a few kilobytes; whoever sends more without a newline sends no export. */
const LINE_BYTES_MAX = 1_000_000;

export interface ExportFault {
  /** Counted from 1, as editors do. */
  readonly line: number;
  readonly detail: string;
}

export class ExportReader {
  header: ExportHeader | null = null;
  /** Text of the checkpoint that ends the export; null until then. */
  checkpoint: string | null = null;
  /** Set once a line is not what an export has there: nothing more is read. */
  fault: ExportFault | null = null;
  #lines = 0;
  #rest = new Uint8Array();

  /** The entries that end in this chunk. */
  read(chunk: Uint8Array): LoggedReceipt[] {
    const bytes = concatBytes(this.#rest, chunk);
    const entries: LoggedReceipt[] = [];
    let start = 0;
    for (
      let end = bytes.indexOf(NEWLINE);
      end >= 0 && this.fault === null;
      end = bytes.indexOf(NEWLINE, start)
    ) {
      const entry = this.#line(bytes.subarray(start, end + 1));
      if (entry !== undefined) entries.push(entry);
      start = end + 1;
    }
    this.#rest = bytes.slice(start);
    if (this.#rest.length > LINE_BYTES_MAX) this.#fail("it does not end");
    return entries;
  }

  /** Called when no chunk follows: an export that stops before its checkpoint was cut off. */
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
