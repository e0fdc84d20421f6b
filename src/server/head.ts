/**
 * The head of a request: its target, its field lines, and what is wrong with it.
 *
 * Invariant: everything that two readers of the same bytes could understand differently is a fault
 * (request smuggling, RFC 9112 section 11.2), and so is every part of HTTP that has no meaning on
 * this socket. The raw field lines are read, because node:http joins or drops repeated ones.
 */

import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";
import { type ErrorCode, Refusal } from "../core/errors.ts";
import { isName } from "../core/limits.ts";

/** Names in lower case, and the values under each in the order and spelling they came in. */
export type Fields = ReadonlyMap<string, readonly string[]>;

export interface Head {
  readonly method: string;
  readonly path: string;
  /** The text after `?`, not parsed; "" without one. */
  readonly query: string;
  readonly fields: Fields;
  /** The head's first fault; null for none. */
  readonly fault: Fault | null;
}

/** After a fault the connection must end: where the next request begins is in doubt. */
export interface Fault {
  readonly code: Extract<ErrorCode, "request_malformed" | "request_too_large">;
  readonly detail: string;
}

export function headOf(request: IncomingMessage): Head {
  const { method = "", url: target = "", httpVersion } = request;
  const mark = target.indexOf("?");
  const fields = fieldsOf(request.rawHeaders);
  return {
    method,
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? "" : target.slice(mark + 1),
    fields,
    fault: faultOf({ httpVersion, target, fields }),
  };
}

const INSTANCE_LENGTH_MAX = 255;

/** The path for the `instance` of a problem, "/" where it is no URI (RFC 9457 section 3.1.5). */
export function instanceOf({ path }: Head): string {
  return path.length <= INSTANCE_LENGTH_MAX && ORIGIN_FORM.test(path) ? path : "/";
}

/** node:http hands fields over as name, value, name, value. */
export function fieldsOf(rawHeaders: readonly string[]): Fields {
  const fields = new Map<string, string[]>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? "").toLowerCase();
    const value = rawHeaders[i + 1] ?? "";
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return fields;
}

const NO_VALUES: readonly string[] = [];

/** All values under a name, in the order they came in. */
export function valuesOf(fields: Fields, name: string): readonly string[] {
  return fields.get(name) ?? NO_VALUES;
}

const FIELDS_MAX = 64;
/** Characters of a URI (RFC 3986 section 2): unreserved ones, delimiters, and escapes. */
const NAME = "-A-Za-z0-9._~!$&'()*+,;=";
const PATH = `${NAME}:@/`;
const ESCAPE = "%[0-9A-Fa-f]{2}";
/** Fields that may stand only once: a second one is an attempt to be read in two ways. */
const SINGLE_FIELDS = [
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "transfer-encoding",
  "expect",
  "authorization",
];
/** A path and a query (RFC 9112 section 3.2.1). The other forms are for proxies. */
const ORIGIN_FORM = new RegExp(`^/(?:[${PATH}]|${ESCAPE})*(?:\\?(?:[${PATH}?]|${ESCAPE})*)?$`);
/** A name or an address and perhaps a port (RFC 9110 section 7.2, RFC 3986 section 3.2). */
const HOST = new RegExp(`^(?:\\[([^\\]]*)\\]|(?:[${NAME}]|${ESCAPE})*)(?::[0-9]*)?$`);
const FUTURE_ADDRESS = new RegExp(`^[Vv][0-9A-Fa-f]+\\.[${NAME}:]+$`);

/** The first fault of a head, or null. */
export function faultOf(
  { httpVersion, target, fields }: Pick<Head, "fields"> & {
    readonly httpVersion: string;
    readonly target: string;
  },
): Fault | null {
  const values = (name: string) => valuesOf(fields, name);
  const repeated = SINGLE_FIELDS.find((name) => values(name).length > 1);
  const hosts = values("host");
  const [coding] = values("transfer-encoding");
  const [expectation] = values("expect");
  const lines = [...fields.values()].reduce((sum, { length }) => sum + length, 0);

  if (lines > FIELDS_MAX) {
    return {
      code: "request_too_large",
      detail: `A request has at most ${FIELDS_MAX} header fields.`,
    };
  }
  if (repeated !== undefined) {
    return malformed(`The header field ${repeated} stands more than once.`);
  }
  if (!ORIGIN_FORM.test(target)) {
    return malformed("The request target must be a path and a query as RFC 3986 has them.");
  }
  if (httpVersion === "1.1" && hosts.length === 0) return malformed("HTTP/1.1 wants a Host field.");
  if (!hosts.every(isHost)) return malformed("The Host field names no host.");
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

function isHost(text: string): boolean {
  const [matched, address] = HOST.exec(text) ?? [];
  if (matched === undefined || matched.startsWith(":")) return false;
  if (address === undefined) return true;
  return (isIPv6(address) && !address.includes("%")) || FUTURE_ADDRESS.test(address);
}

/** A body is parsed as JSON whatever its type says, unless the type says it is not UTF-8 text. */
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

/** A quoted string (RFC 8941 section 3.3.3): visible ASCII and spaces; `\` escapes `"` and `\`. */
const STRUCTURED_STRING = /^ *"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)" *$/;

/**
 * The nonce in an Idempotency-Key field: one structured-field string of 1 to 255 visible ASCII
 * characters. null when absent. Throws a Refusal request_malformed where another reader might see
 * another key.
 */
export function idempotencyKey(fields: Fields): string | null {
  const values = valuesOf(fields, "idempotency-key");
  const [value] = values;
  if (value === undefined) return null;
  const key = values.length === 1
    ? STRUCTURED_STRING.exec(value)?.[1]?.replaceAll(/\\(.)/g, "$1")
    : undefined;
  if (key === undefined || !isName(key)) {
    throw new Refusal(
      "request_malformed",
      "Idempotency-Key must be one quoted string of 1 to 255 visible ASCII characters, " +
        'such as "n-1".',
    );
  }
  return key;
}

/**
 * The first `wait` of Prefer (RFC 7240 section 4.3) in milliseconds, at most `secondsMax`; 0
 * without one. A preference that makes no sense is ignored, as section 2 asks.
 */
export function preferredWaitMs(fields: Fields, secondsMax: number): number {
  const preferences = valuesOf(fields, "prefer").flatMap((value) => value.split(","));
  for (const preference of preferences) {
    const [name = "", value = ""] = (preference.split(";")[0] ?? "").split("=").map((part) =>
      part.trim()
    );
    if (name.toLowerCase() !== "wait") continue;
    const seconds = /^("?)(\d{1,9})\1$/.exec(value)?.[2];
    return seconds === undefined ? 0 : Math.min(Number(seconds), secondsMax) * 1000;
  }
  return 0;
}

/** The last event that a reader saw; null when absent, repeated or no id of ours. */
export function lastEventId(fields: Fields): string | null {
  const [value, ...more] = valuesOf(fields, "last-event-id");
  return value !== undefined && more.length === 0 && /^[0-9a-f]{16}$/.test(value) ? value : null;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** The traceparent (W3C Trace Context section 3.2); null when absent, repeated or invalid. */
export function traceparent(fields: Fields): string | null {
  const values = valuesOf(fields, "traceparent");
  const value = values[0]?.trim();
  const match = values.length === 1 && value !== undefined ? TRACEPARENT.exec(value) : null;
  if (match === null || value === undefined) return null;
  const [, version, traceId = "", parentId = "", more] = match;
  const isKnown = version === "00" ? more === undefined : version !== "ff";
  const isZero = /^0+$/.test(traceId) || /^0+$/.test(parentId);
  return isKnown && !isZero ? value.slice(0, "00-".length + 32 + 1 + 16 + 3) : null;
}
