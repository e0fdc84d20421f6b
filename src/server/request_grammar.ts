/**
 * The grammar of requests (RFC 9112 sections 2 to 7), held to before node:http's parser. That
 * parser takes more: RTSP, several spaces, bare line ends, any chunk extension.
 *
 * Invariant: the parser is given what was sent, in its order, and the end of a line only when the
 * line is right. Only empty lines before a request are left out (section 2.2): the parser would
 * forget its time limits at one. Nothing is mended, so both readers see the same requests.
 */

import type { Buffer } from "node:buffer";
import type { Fault } from "./head.ts";

/** For one line, and for the chunk extensions of a request together. The parser has its own. */
const LINE_BYTES_MAX = 32 * 1024;
const LF = 0x0a;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const TEXT = "\\t\\x20-\\x7e\\x80-\\xff";
/** head.ts judges the target. */
const REQUEST_LINE = new RegExp(`^${TOKEN} [\\x21-\\x7e\\x80-\\xff]+ HTTP/1\\.([01])$`);
const FIELD_LINE = new RegExp(`^(${TOKEN}):([${TEXT}]*)$`);
const QUOTED = `"(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[${TEXT}])*"`;
/** A chunk's size and extensions (RFC 9112 section 7.1). The parser takes no spaces in them. */
const CHUNK_LINE = new RegExp(`^([0-9A-Fa-f]+)(?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*$`);

/** The line that is due; "none" where the end of a request is in doubt. */
type Part = "request line" | "field" | "chunk" | "chunk end" | "trailer" | "none";

export class RequestGrammar {
  #part: Part = "request line";
  /** The beginning of an unfinished line, in Latin-1. */
  #line = "";
  /** Bytes of content before the next line. */
  #content = 0;
  #version = "";
  #lengths: string[] = [];
  #codings: string[] = [];
  #extensionBytes = 0;

  /**
   * Hands `pass` what may go on to the parser. Returns what is wrong with the first line that is,
   * from which on nothing is passed, or null.
   */
  take(bytes: Buffer, pass: (bytes: Buffer) => void): Fault | null {
    let fault: Fault | null = null;
    let [from, at] = [0, 0];
    while (at < bytes.length && fault === null && this.#part !== "none") {
      const end = this.#content > 0
        ? Math.min(at + this.#content, bytes.length)
        : bytes.indexOf(LF, at) + 1 || bytes.length;
      if (this.#content > 0) {
        this.#content -= end - at;
      } else {
        this.#line += bytes.toString("latin1", at, end);
        const isBlank = this.#part === "request line" && /^\r\n?$/.test(this.#line);
        fault = this.#lineFault();
        if (isBlank || fault !== null) {
          if (at > from) pass(bytes.subarray(from, at));
          from = end;
        }
      }
      at = end;
    }
    if (at > from) pass(bytes.subarray(from, at));
    return fault;
  }

  /** Judges the line once it has its end. */
  #lineFault(): Fault | null {
    if (this.#extensionBytes + this.#line.length > LINE_BYTES_MAX) {
      const detail = `A line, or all chunk extensions, have at most ${LINE_BYTES_MAX} bytes.`;
      return { code: "request_too_large", detail };
    }
    if (!this.#line.endsWith("\n")) return null;
    const line = this.#line.endsWith("\r\n") ? this.#line.slice(0, -2) : null;
    this.#line = "";
    const expected = EXPECTED[this.#part];
    const isRight = line !== null && this.#accept(line);
    return isRight ? null : { code: "request_malformed", detail: `${expected}.` };
  }

  /** false for a line that the part of the request has no place for. */
  #accept(line: string): boolean {
    switch (this.#part) {
      case "request line":
        return line === "" || this.#acceptRequestLine(line);
      case "field":
        return line === "" ? this.#endHead() : this.#acceptField(line);
      case "chunk":
        return this.#acceptChunk(line);
      case "chunk end":
        this.#part = "chunk";
        return line === "";
      case "trailer":
        if (line === "") this.#part = "request line";
        return line === "" || FIELD_LINE.test(line);
      case "none":
        return true;
    }
  }

  #acceptRequestLine(line: string): boolean {
    const version = REQUEST_LINE.exec(line)?.[1];
    this.#part = "field";
    this.#version = `1.${version}`;
    this.#lengths = [];
    this.#codings = [];
    return version !== undefined;
  }

  #acceptField(line: string): boolean {
    const [, name = "", value = ""] = FIELD_LINE.exec(line) ?? [];
    if (/^content-length$/i.test(name)) this.#lengths.push(value);
    if (/^transfer-encoding$/i.test(name)) this.#codings.push(value);
    return name !== "";
  }

  /** Finds where the request ends (RFC 9112 section 6.3). head.ts says why one is in doubt. */
  #endHead(): true {
    const [length, coding] = [this.#lengths[0] ?? "0", this.#codings[0] ?? ""];
    const [lengths, codings] = [this.#lengths.length, this.#codings.length];
    const isChunked = this.#version === "1.1" && lengths === 0 && codings === 1 &&
      /^[\t ]*chunked[\t ]*$/i.test(coding);
    const isCounted = lengths <= 1 && codings === 0 && /^[\t ]*\d{1,15}[\t ]*$/.test(length);
    this.#extensionBytes = 0;
    this.#part = isChunked ? "chunk" : isCounted ? "request line" : "none";
    this.#content = isCounted ? Number(length) : 0;
    return true;
  }

  #acceptChunk(line: string): boolean {
    const [, digits = ""] = CHUNK_LINE.exec(line) ?? [];
    const size = parseInt(digits, 16);
    this.#extensionBytes += line.length - digits.length;
    this.#part = size === 0 ? "trailer" : "chunk end";
    this.#content = size;
    return Number.isSafeInteger(size);
  }
}

const EXPECTED: Readonly<Record<Part, string>> = {
  "request line": "A request begins with a method, a path and HTTP/1.1, one space between each",
  field: "A header field is a name, a colon and a value, on one line that ends with CR LF",
  chunk: "A chunk begins with its size in hexadecimal, then CR LF",
  "chunk end": "A chunk ends with CR LF after as many bytes as it announced",
  trailer: "A trailer field is a name, a colon and a value, on one line that ends with CR LF",
  none: "",
};
