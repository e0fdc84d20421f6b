/**
 * What node:http lets through and this server must not: everything that two readers of the same bytes could understand
 * differently (request smuggling, RFC 9112 section 11.2), and the parts of HTTP that have no meaning on this socket.
 *
 * It reads the raw field lines, because node:http joins or drops repeated ones.
 */

import type { ErrorCode } from "../core/errors.ts";
import { type FieldLines, valuesOf } from "./head.ts";

export interface Fault {
  readonly code: Extract<ErrorCode, "request_malformed" | "request_too_large">;
  readonly detail: string;
}

export interface RequestHead {
  readonly httpVersion: string;
  readonly target: string;
  readonly fields: FieldLines;
}

const FIELDS_MAX = 64;
/** Fields that may stand once only: a second one is an attempt to be read in two ways. */
const SINGLE_FIELDS = [
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "transfer-encoding",
  "expect",
  "authorization",
];
/** RFC 9112 section 3.2.1: a path of visible ASCII; absolute, authority and asterisk forms are for proxies and servers. */
const ORIGIN_FORM = /^\/[\x21-\x22\x24-\x7e]*$/;
const HOST = /^[A-Za-z0-9._~%:[\]-]*$/;

/** The first fault of a request's head, or null. After a fault the connection must end: its framing is in doubt. */
export function faultOf({ httpVersion, target, fields }: RequestHead): Fault | null {
  const values = (name: string) => valuesOf(fields, name);
  const repeated = SINGLE_FIELDS.find((name) => values(name).length > 1);
  const hosts = values("host");
  const [coding] = values("transfer-encoding");
  const [expectation] = values("expect");

  if (httpVersion !== "1.1" && httpVersion !== "1.0") {
    return malformed("Only HTTP/1.1 and HTTP/1.0 are spoken.");
  }
  if (fields.length > FIELDS_MAX) {
    return {
      code: "request_too_large",
      detail: `A request has at most ${FIELDS_MAX} header fields.`,
    };
  }
  if (repeated !== undefined) {
    return malformed(`The header field ${repeated} stands more than once.`);
  }
  if (!ORIGIN_FORM.test(target)) {
    return malformed("The request target must be an absolute path of visible ASCII.");
  }
  if (httpVersion === "1.1" && hosts.length === 0) return malformed("HTTP/1.1 wants a Host field.");
  if (!hosts.every((host) => HOST.test(host))) return malformed("The Host field names no host.");
  if (coding !== undefined) {
    if (httpVersion === "1.0") return malformed("HTTP/1.0 has no Transfer-Encoding.");
    if (coding.toLowerCase() !== "chunked") {
      return malformed("The only transfer coding is chunked.");
    }
    if (values("content-length").length > 0) {
      return malformed("Content-Length and Transfer-Encoding exclude each other.");
    }
  }
  if (!values("content-length").every((length) => /^\d{1,15}$/.test(length))) {
    return malformed("Content-Length must be a whole number.");
  }
  if (expectation !== undefined && expectation.toLowerCase() !== "100-continue") {
    return malformed("The only expectation is 100-continue.");
  }
  if (values("upgrade").length > 0) return malformed("No other protocol is spoken here.");
  return contentFault(values("content-encoding"), values("content-type"));
}

/** The body is parsed as JSON whatever its type claims; only a claim that it is no UTF-8 text contradicts that. */
function contentFault(codings: readonly string[], types: readonly string[]): Fault | null {
  if (!codings.every((coding) => coding.toLowerCase() === "identity")) {
    return malformed("The body must come without a content coding.");
  }
  const charset = types.map((type) =>
    /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1]?.toLowerCase()
  );
  const isUtf8 = charset.every((name) => name === undefined || name === "utf-8" || name === "utf8");
  return isUtf8 ? null : malformed("The body must be UTF-8.");
}

function malformed(detail: string): Fault {
  return { code: "request_malformed", detail };
}
