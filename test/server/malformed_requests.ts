/**
 * Malformed requests, written by hand. Each names its attack; `outcome` is the status that it must
 * get, or "closed" for a connection that ends without a word. None may be executed, hang, or make a
 * 5xx.
 */

import { latin1 } from "../support/raw_http.ts";

export interface MalformedRequest {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly outcome: number | "closed";
  /** Closes the sending half after the bytes. */
  readonly halfClose: boolean;
}

const GOOD_BODY = '{"action":"echo","nonce":"n-1"}';
/** Hidden by a smuggler behind a malformed request: it must never be seen as a request. */
const SMUGGLED =
  `POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: ${GOOD_BODY.length}\r\n\r\n${GOOD_BODY}`;

type Rest = { halfClose?: boolean };

function raw(
  name: string,
  text: string,
  outcome: MalformedRequest["outcome"],
  rest: Rest = {},
): MalformedRequest {
  return { name, bytes: latin1(text), outcome, halfClose: rest.halfClose ?? false };
}

/** A request line, followed by a Host field and a smuggled request. */
function line(name: string, text: string, outcome: MalformedRequest["outcome"]): MalformedRequest {
  return raw(name, `${text}\r\nHost: x\r\n\r\n${SMUGGLED}`, outcome);
}

/** A request line before all else that an execution needs, and a smuggled request. */
function execute(
  name: string,
  text: string,
  outcome: MalformedRequest["outcome"],
): MalformedRequest {
  const length = `Content-Length: ${GOOD_BODY.length}`;
  return raw(name, `${text}\r\nHost: x\r\n${length}\r\n\r\n${GOOD_BODY}${SMUGGLED}`, outcome);
}

/** A GET of / with these field lines and a smuggled request. */
function fields(
  name: string,
  text: string,
  outcome: MalformedRequest["outcome"],
): MalformedRequest {
  return raw(name, `GET / HTTP/1.1\r\n${text}\r\n\r\n${SMUGGLED}`, outcome);
}

/** A POST /execute whose framing is in doubt, and a smuggled request. */
function framing(
  name: string,
  text: string,
  body: string,
  outcome: MalformedRequest["outcome"],
): MalformedRequest {
  return raw(
    name,
    `POST /execute HTTP/1.1\r\nHost: x\r\n${text}\r\n\r\n${body}${SMUGGLED}`,
    outcome,
  );
}

/** A chunked POST /execute and a smuggled request. */
function chunks(
  name: string,
  body: string,
  outcome: MalformedRequest["outcome"],
): MalformedRequest {
  return framing(name, "Transfer-Encoding: chunked", body, outcome);
}

/** A well-framed POST /execute that must be refused for what is in it. */
function post(
  name: string,
  body: string,
  outcome: number,
  extra = "",
  path = "/execute",
): MalformedRequest {
  return raw(
    name,
    `POST ${path} HTTP/1.1\r\nHost: x\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`,
    outcome,
  );
}

const REQUEST_LINES = [
  raw("nothing but a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
  raw("nothing but zeros", "\0\0\0\0\0\0\0\0", 400),
  raw("an SSH banner", "SSH-2.0-OpenSSH_9.9\r\n", 400),
  raw("JSON without HTTP", `${GOOD_BODY}\n`, 400),
  raw("an HTTP response", `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n${SMUGGLED}`, 400),
  raw("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
  raw("HTTP/0.9", `GET /\r\n\r\n${SMUGGLED}`, 400),
  raw("HTTP/0.9 with a POST", `POST /execute\r\n\r\n${GOOD_BODY}`, 400),
  raw("a method alone", "GET\r\n\r\n", 400),
  raw("a method and a space", "GET \r\n\r\n", 400),
  line("HTTP/2.0 on the line", "GET / HTTP/2.0", 400),
  line("HTTP/1.2", "GET / HTTP/1.2", 400),
  line("HTTP/3.0", "GET / HTTP/3.0", 400),
  line("HTTP/0.9 spelled out", "GET / HTTP/0.9", 400),
  line("HTTP/1.10", "GET / HTTP/1.10", 400),
  line("HTTP/1", "GET / HTTP/1", 400),
  line("HTTP/11", "GET / HTTP/11", 400),
  line("HTTP/-1.1", "GET / HTTP/-1.1", 400),
  line("HTTP/1,1", "GET / HTTP/1,1", 400),
  line("a lower-case protocol", "GET / http/1.1", 400),
  line("another protocol", "GET / ICE/1.0", 400),
  line("RTSP", "OPTIONS / RTSP/1.0", 400),
  line("RTSP with a GET", "GET / RTSP/1.0", 400),
  execute("an execution over RTSP/1.0", "POST /execute RTSP/1.0", 400),
  execute("an execution over RTSP/1.1", "POST /execute RTSP/1.1", 400),
  execute("an execution over ICE", "SOURCE /execute ICE/1.0", 400),
  execute("two spaces before the target", "POST  /execute HTTP/1.1", 400),
  execute("two spaces before the version", "POST /execute  HTTP/1.1", 400),
  execute("a tab and a space before the version", "POST /execute \tHTTP/1.1", 400),
  execute("a carriage return before the method", "\rPOST /execute HTTP/1.1", 400),
  execute("a line feed before the method", "\nPOST /execute HTTP/1.1", 400),
  execute("two carriage returns before the method", "\r\r\nPOST /execute HTTP/1.1", 400),
  execute("a line feed after an empty line", "\r\n\nPOST /execute HTTP/1.1", 400),
  execute("a space on a line before the method", " \r\nPOST /execute HTTP/1.1", 400),
  line("no space before the version", "GET /HTTP/1.1", 400),
  line("a space after the version", "GET / HTTP/1.1 ", 400),
  line("a word after the version", "GET / HTTP/1.1 x", 400),
  line("a tab between method and target", "GET\t/ HTTP/1.1", 400),
  line("a tab before the version", "GET /\tHTTP/1.1", 400),
  line("a space before the method", " GET / HTTP/1.1", 400),
  line("NUL before the method", "\0GET / HTTP/1.1", 400),
  line("NUL in the method", "G\0ET / HTTP/1.1", 400),
  line("a colon in the method", "GE:T / HTTP/1.1", 400),
  line("a method in lower case", "get / HTTP/1.1", 400),
  line("a method in UTF-8", "G\xc3\x89T / HTTP/1.1", 400),
  line("an empty method", "/ HTTP/1.1", 400),
  line("an unknown method", "FOO / HTTP/1.1", 400),
  line("a method of 20,000 letters", `${"G".repeat(20_000)} / HTTP/1.1`, 400),
  raw("bare line feeds", `GET / HTTP/1.1\nHost: x\n\n`, 400),
  raw("a carriage return alone ends the line", "GET / HTTP/1.1\rHost: x\r\n\r\n", 400),
] as const;

const METHODS = [
  "TRACE",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "PROPFIND",
  "MKCOL",
  "SEARCH",
  "PURGE",
  "LINK",
]
  .map((method) => raw(`${method} of a route`, `${method} / HTTP/1.1\r\nHost: x\r\n\r\n`, 405));

const TARGETS = [
  line("CONNECT", "CONNECT x:80 HTTP/1.1", "closed"),
  line("CONNECT of a path", "CONNECT /execute HTTP/1.1", "closed"),
  line("absolute form", "GET http://x/ HTTP/1.1", 400),
  line("absolute form of another scheme", "GET file:///etc/passwd HTTP/1.1", 400),
  line("authority form", "GET x:80 HTTP/1.1", 400),
  line("asterisk form", "OPTIONS * HTTP/1.1", 400),
  line("a target without a slash", "GET health HTTP/1.1", 400),
  line("an empty target", "GET  HTTP/1.1", 400),
  line("a space in the target", "GET /a b HTTP/1.1", 400),
  line("a fragment", "GET /#x HTTP/1.1", 404),
  line("NUL in the target", "GET /\0 HTTP/1.1", 400),
  line("a control character in the target", "GET /\x01 HTTP/1.1", 400),
  line("DEL in the target", "GET /\x7f HTTP/1.1", 400),
  line("UTF-8 in the target", "GET /\xc3\xa9 HTTP/1.1", 400),
  line("a target of 20,000 characters", `GET /${"a".repeat(20_000)} HTTP/1.1`, 413),
  raw("an unknown route", "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("dots in the path", "GET /log/../health HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("encoded dots in the path", "GET /%2e%2e/health HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("two slashes", "GET //health HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("a slash at the end", "GET /health/ HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("a route in capitals", "GET /HEALTH HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("an encoded letter", "GET /healt%68 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("an encoded NUL", "GET /health%00 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("a target with a quotation mark", 'GET /actions?"=1 HTTP/1.1\r\nHost: x\r\n\r\n', 400),
  raw("a target with braces", "GET /log/proof?index={1} HTTP/1.1\r\nHost: x\r\n\r\n", 400),
  raw("a broken escape in the path", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("a backslash", "GET /\\health HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("a semicolon", "GET /health;x=1 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("a query nobody asked for", "GET /health?x=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
  raw("a query twice", "GET /log/proof?index=0&index=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
  raw("a broken escape in the query", "GET /executions?nonce=%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
  raw("an escape that is no UTF-8", "GET /executions?nonce=%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
  raw("an encoded NUL in the query", "GET /executions?nonce=a%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
  raw("a negative index", "GET /log/proof?index=-1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
  raw(
    "an index beyond numbers",
    "GET /log/proof?index=99999999999999999999 HTTP/1.1\r\nHost: x\r\n\r\n",
    400,
  ),
  raw("a limit of zero", "GET /executions?limit=0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
  raw("a limit beyond reason", "GET /executions?limit=1000000 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
  raw("an admin route on an agent socket", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 403),
  post("an admin lever on an agent socket", "{}", 403, "", "/admin/halt"),
] as const;

const FIELDS = [
  raw("HTTP/1.1 without Host", `GET / HTTP/1.1\r\n\r\n${SMUGGLED}`, 400),
  fields("two Hosts", "Host: x\r\nHost: y", 400),
  fields("the same Host twice", "Host: x\r\nhost: x", 400),
  fields("a Host with a space", "Host: x y", 400),
  fields("a Host with a path", "Host: x/y", 400),
  fields("a Host with a user", "Host: u@x", 400),
  fields("a Host that is only a port", "Host: :80", 400),
  fields("a Host that is only a colon and a letter", "Host: :x", 400),
  fields("a Host with a port in letters", "Host: x:y", 400),
  fields("a Host with two ports", "Host: x:1:2", 400),
  fields("a Host that is an open bracket", "Host: [", 400),
  fields("a Host that is a closed bracket", "Host: ]", 400),
  fields("a Host with nothing in its brackets", "Host: []", 400),
  fields("a Host with a name in brackets", "Host: [x]", 400),
  fields("a Host with an address of a zone", "Host: [fe80::1%25eth0]", 400),
  fields("a Host with more behind its brackets", "Host: [::1]x", 400),
  fields("a Host with an address outside of brackets", "Host: ::1", 400),
  fields("a Host of percent signs", "Host: %%%", 400),
  fields("a Host with half an escape", "Host: x%2", 400),
  fields("a Host with a backslash", "Host: x\\y", 400),
  fields("a Host in UTF-8", "Host: \xc3\xa9", 400),
  fields("a field without a colon", "Host: x\r\nnonsense", 400),
  fields("a field without a name", "Host: x\r\n: v", 400),
  fields("a space before the colon", "Host : x", 400),
  fields("a tab before the colon", "Host\t: x", 400),
  fields("a space before the first field", " Host: x", 400),
  fields("a folded value", "Host: x\r\nX-A: a\r\n b", 400),
  fields("a value folded with a tab", "Host: x\r\nX-A: a\r\n\tb", 400),
  fields("NUL in a value", "Host: x\r\nX-A: a\0b", 400),
  fields("a carriage return in a value", "Host: x\r\nX-A: a\rb", 400),
  fields("a line feed in a value", "Host: x\r\nX-A: a\nX-B: b", 400),
  fields("a control character in a value", "Host: x\r\nX-A: \x01", 400),
  fields("DEL in a value", "Host: x\r\nX-A: \x7f", 400),
  fields("NUL in a name", "Host: x\r\nX\0A: a", 400),
  fields("a bracket in a name", "Host: x\r\nX(A: a", 400),
  fields("a space in a name", "Host: x\r\nX A: a", 400),
  fields("UTF-8 in a name", "Host: x\r\n\xc3\xa9: a", 400),
  fields("65 fields", `Host: x\r\n${"A: b\r\n".repeat(64)}A: b`, 413),
  fields("3,000 fields", `Host: x\r\n${"A:b\r\n".repeat(3000)}A: b`, 413),
  fields("a value of 20,000 letters", `Host: x\r\nA: ${"a".repeat(20_000)}`, 413),
  fields("a name of 20,000 letters", `Host: x\r\n${"a".repeat(20_000)}: a`, 413),
  fields("an Upgrade to WebSocket", "Host: x\r\nConnection: upgrade\r\nUpgrade: websocket", 400),
  fields(
    "an Upgrade to h2c",
    "Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
    400,
  ),
  fields("an expectation of something else", "Host: x\r\nExpect: 200-ok", 400),
  fields("two expectations", "Host: x\r\nExpect: 100-continue\r\nExpect: 100-continue", 400),
  fields("a body with a GET", "Host: x\r\nContent-Length: 2\r\n\r\n{}", 400),
  fields(
    "a chunked body with a GET",
    "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0",
    400,
  ),
] as const;

const LENGTH = GOOD_BODY.length;
const GOOD_CHUNKS = `${LENGTH.toString(16)}\r\n${GOOD_BODY}\r\n0\r\n\r\n`;

const FRAMING = [
  framing("a negative length", "Content-Length: -1", "", 400),
  framing("a signed length", `Content-Length: +${LENGTH}`, GOOD_BODY, 400),
  framing("a hexadecimal length", "Content-Length: 0x1f", GOOD_BODY, 400),
  framing("a fractional length", "Content-Length: 31.0", GOOD_BODY, 400),
  framing("a length with an exponent", "Content-Length: 3e1", GOOD_BODY, 400),
  framing("an empty length", "Content-Length:", GOOD_BODY, 400),
  framing("a length in words", "Content-Length: many", GOOD_BODY, 400),
  framing("a length with a space in it", "Content-Length: 3 1", GOOD_BODY, 400),
  framing("a length in another script", "Content-Length: \xd9\xa3\xd9\xa1", GOOD_BODY, 400),
  framing("a list of equal lengths", `Content-Length: ${LENGTH}, ${LENGTH}`, GOOD_BODY, 400),
  framing("a list of lengths", `Content-Length: ${LENGTH}, 0`, GOOD_BODY, 400),
  framing(
    "two equal lengths",
    `Content-Length: ${LENGTH}\r\nContent-Length: ${LENGTH}`,
    GOOD_BODY,
    400,
  ),
  framing("two lengths", `Content-Length: 0\r\nContent-Length: ${LENGTH}`, GOOD_BODY, 400),
  framing("a length past 64 bits", "Content-Length: 18446744073709551617", GOOD_BODY, 400),
  framing(
    "a length and then chunks",
    `Content-Length: ${LENGTH}\r\nTransfer-Encoding: chunked`,
    GOOD_CHUNKS,
    400,
  ),
  framing(
    "chunks and then a length",
    `Transfer-Encoding: chunked\r\nContent-Length: ${LENGTH}`,
    GOOD_CHUNKS,
    400,
  ),
  framing(
    "chunks and no length",
    "Transfer-Encoding: chunked\r\nContent-Length: 0",
    GOOD_CHUNKS,
    400,
  ),
  framing("gzip as transfer coding", "Transfer-Encoding: gzip", GOOD_CHUNKS, 400),
  framing("gzip, chunked", "Transfer-Encoding: gzip, chunked", GOOD_CHUNKS, 400),
  framing("chunked, gzip", "Transfer-Encoding: chunked, gzip", GOOD_CHUNKS, 400),
  framing("chunked, chunked", "Transfer-Encoding: chunked, chunked", GOOD_CHUNKS, 400),
  framing(
    "chunked twice",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    GOOD_CHUNKS,
    400,
  ),
  framing(
    "chunked and identity",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    GOOD_CHUNKS,
    400,
  ),
  framing("identity", "Transfer-Encoding: identity", GOOD_CHUNKS, 400),
  framing("an unknown coding", "Transfer-Encoding: xchunked", GOOD_CHUNKS, 400),
  framing("chunked with a parameter", "Transfer-Encoding: chunked;q=1", GOOD_CHUNKS, 400),
  framing("chunked in quotes", 'Transfer-Encoding: "chunked"', GOOD_CHUNKS, 400),
  framing("chunked and a vertical tab", "Transfer-Encoding: chunked\x0b", GOOD_CHUNKS, 400),
  framing("chunked after a comma", "Transfer-Encoding: , chunked", GOOD_CHUNKS, 400),
  framing("an empty coding", "Transfer-Encoding:", GOOD_CHUNKS, 400),
  framing("a space before the coding's colon", "Transfer-Encoding : chunked", GOOD_CHUNKS, 400),
  framing("a folded coding", "Transfer-Encoding:\r\n chunked", GOOD_CHUNKS, 400),
  raw(
    "a coding on HTTP/1.0",
    `POST /execute HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${GOOD_CHUNKS}${SMUGGLED}`,
    400,
  ),
  raw("no length at all", "POST /execute HTTP/1.1\r\nHost: x\r\n\r\n", 400),
  raw("two Hosts on HTTP/1.0", `GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n${SMUGGLED}`, 400),
  framing("a length beyond the limit", "Content-Length: 4097", "x".repeat(4097), 413),
  framing(
    "a length beyond the limit, announced",
    "Expect: 100-continue\r\nContent-Length: 999999999",
    "",
    413,
  ),
] as const;

const CHUNKS = [
  chunks("a chunk size in words", `zz\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a negative chunk size", `-1f\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a signed chunk size", `+1f\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a chunk size with 0x", `0x1f\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("an empty chunk size", `\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a space before the chunk size", ` 1f\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a space after the chunk size", `1f \r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a chunk size past 64 bits", `1000000000000000f\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("NUL in the chunk size", `1\0f\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a bare line feed after the chunk size", `1f\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a bare line feed after the chunk", `1f\r\n${GOOD_BODY}\n0\r\n\r\n`, 400),
  chunks("no line end after the chunk", `1f\r\n${GOOD_BODY}0\r\n\r\n`, 400),
  chunks("more in the chunk than its size", `1f\r\n${GOOD_BODY}xx\r\n0\r\n\r\n`, 400),
  chunks("less in the chunk than its size", `2f\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a chunk size past 53 bits", `20000000000001\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("an extension without a name", `1f;\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("an extension that is an equals sign", `1f;=\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("an extension with no value", `1f;a=\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("an extension with two values", `1f;a=b=c\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("an extension quoted in the middle", `1f;a=b"c"\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("an extension with an open quote", `1f;a="b\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("an extension with more after its quote", `1f;a="b"c\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("an extension in UTF-8", `1f;\xc3\xa9\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("two semicolons", `1f;;a\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("spaces around an extension", `1f ; a = b\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks(
    "an extension of 40,000 letters",
    `1f;${"a".repeat(40_000)}\r\n${GOOD_BODY}\r\n0\r\n\r\n`,
    413,
  ),
  chunks(
    "extensions of 40,000 letters together",
    `${`1;${"a".repeat(4000)}\r\n \r\n`.repeat(10)}1f\r\n${GOOD_BODY}\r\n0\r\n\r\n`,
    413,
  ),
  chunks("an equals sign after the last chunk", `1f\r\n${GOOD_BODY}\r\n0;=\r\n\r\n`, 400),
  chunks("a bare line feed after the last chunk", `1f\r\n${GOOD_BODY}\r\n0\n\r\n`, 400),
  chunks("a bare line feed at the end", `1f\r\n${GOOD_BODY}\r\n0\r\n\n`, 400),
  chunks("a control character in an extension", `1f;a=\x01\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a bare line feed in an extension", `1f;a\nb\r\n${GOOD_BODY}\r\n0\r\n\r\n`, 400),
  chunks("a malformed trailer", `1f\r\n${GOOD_BODY}\r\n0\r\nnonsense\r\n\r\n`, 400),
  chunks(
    "a trailer of 20,000 letters",
    `1f\r\n${GOOD_BODY}\r\n0\r\nA: ${"a".repeat(20_000)}\r\n\r\n`,
    413,
  ),
  chunks("chunks beyond the limit", `1001\r\n${"x".repeat(4097)}\r\n0\r\n\r\n`, 413),
  chunks(
    "many chunks beyond the limit",
    `${"100\r\n".concat("x".repeat(256), "\r\n").repeat(17)}0\r\n\r\n`,
    413,
  ),
] as const;

const CUT_SHORT = [
  raw("nothing at all", "", "closed", { halfClose: true }),
  raw("half a method", "PO", "closed", { halfClose: true }),
  raw("half a request line", "POST /execute HT", "closed", { halfClose: true }),
  raw("half a field", "POST /execute HTTP/1.1\r\nHost: x\r\nContent-Le", "closed", {
    halfClose: true,
  }),
  raw("a head without its last line", "POST /execute HTTP/1.1\r\nHost: x\r\n", "closed", {
    halfClose: true,
  }),
  raw(
    "half a body",
    `POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: ${LENGTH + 1}\r\n\r\n${GOOD_BODY}`,
    400,
    { halfClose: true },
  ),
  raw(
    "half a chunk",
    `POST /execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2f\r\n${GOOD_BODY}`,
    400,
    { halfClose: true },
  ),
  raw(
    "no last chunk",
    `POST /execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n${GOOD_BODY}\r\n`,
    400,
    { halfClose: true },
  ),
  raw("nothing at all, and waiting", "", "closed"),
  raw("half a method, and waiting", "PO", 400),
  raw("half a request line, and waiting", "POST /execute HT", 400),
  raw("half a field, and waiting", "POST /execute HTTP/1.1\r\nHost: x\r\nContent-Le", 400),
  raw("a head without its last line, and waiting", "POST /execute HTTP/1.1\r\nHost: x\r\n", 400),
  raw(
    "half a body, and waiting",
    `POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: ${LENGTH + 1}\r\n\r\n${GOOD_BODY}`,
    400,
  ),
  raw(
    "half a chunk, and waiting",
    `POST /execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2f\r\n${GOOD_BODY}`,
    400,
  ),
  raw(
    "a promise to send when told to",
    `POST /execute HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${LENGTH}\r\n\r\n`,
    400,
  ),
] as const;

const KEY = "Idempotency-Key: ";
const BODIES = [
  post("an empty body", "", 400),
  post("a body that is no JSON", "action=echo&nonce=n-1", 400),
  post("half a JSON text", GOOD_BODY.slice(0, -1), 400),
  post("two JSON texts", `${GOOD_BODY}${GOOD_BODY}`, 400),
  post("a list", `[${GOOD_BODY}]`, 400),
  post("a string", '"echo"', 400),
  post("a byte-order mark", `\xef\xbb\xbf${GOOD_BODY}`, 400),
  post("a body that is no UTF-8", '{"action":"echo","nonce":"\xff"}', 400),
  post("an overlong UTF-8 sequence", '{"action":"echo","nonce":"\xc0\xae"}', 400),
  post("UTF-16", "\xff\xfe{\0}\0", 400),
  post("a key twice", '{"action":"echo","nonce":"n-1","nonce":"n-2"}', 400),
  post("a key twice, once escaped", '{"action":"echo","nonce":"n-1","\\u006eonce":"n-2"}', 400),
  post("a lone surrogate", '{"action":"echo","nonce":"n-1","payload":{"a":"\\ud800"}}', 400),
  post("a number beyond doubles", '{"action":"echo","nonce":"n-1","payload":{"a":1e999}}', 400),
  post(
    "an unsafe integer",
    '{"action":"echo","nonce":"n-1","payload":{"a":9007199254740993}}',
    400,
  ),
  post(
    "a nest of 2,000 lists",
    `{"action":"echo","nonce":"n-1","payload":{"a":${"[".repeat(2000)}`,
    400,
  ),
  post("an unknown member", '{"action":"echo","nonce":"n-1","mode":"demo"}', 400),
  post("a nonce that is a number", '{"action":"echo","nonce":1}', 400),
  post("no nonce", '{"action":"echo"}', 400),
  post("no action", '{"nonce":"n-1"}', 400),
  post("an action with a space", '{"action":"ec ho","nonce":"n-1"}', 400),
  post("an action with NUL", '{"action":"echo\\u0000","nonce":"n-1"}', 400),
  post("a payload that is a list", '{"action":"echo","nonce":"n-1","payload":[]}', 400),
  post(
    "both kinds of approval",
    '{"action":"echo","nonce":"n-1","approval":{},"approval_artifact":{}}',
    400,
  ),
  post("a compressed body", GOOD_BODY, 400, "Content-Encoding: gzip\r\n"),
  post(
    "a body in UTF-16 by its type",
    GOOD_BODY,
    400,
    "Content-Type: application/json; charset=utf-16\r\n",
  ),
  post(
    "two content types",
    GOOD_BODY,
    400,
    "Content-Type: text/plain\r\nContent-Type: application/json\r\n",
  ),
  post("an unquoted key", GOOD_BODY, 400, `${KEY}n-1\r\n`),
  post("an empty key", GOOD_BODY, 400, `${KEY}""\r\n`),
  post("a key without a value", GOOD_BODY, 400, `${KEY}\r\n`),
  post("a key in single quotes", GOOD_BODY, 400, `${KEY}'n-1'\r\n`),
  post("a key that does not end", GOOD_BODY, 400, `${KEY}"n-1\r\n`),
  post("a key with more behind it", GOOD_BODY, 400, `${KEY}"n-1" x\r\n`),
  post("a key with a parameter", GOOD_BODY, 400, `${KEY}"n-1";a=1\r\n`),
  post("a list of keys", GOOD_BODY, 400, `${KEY}"n-1", "n-1"\r\n`),
  post("the same key twice", GOOD_BODY, 400, `${KEY}"n-1"\r\n${KEY}"n-1"\r\n`),
  post("a key with a bad escape", GOOD_BODY, 400, `${KEY}"n\\-1"\r\n`),
  post("a key with a space", GOOD_BODY, 400, `${KEY}"n 1"\r\n`),
  post("a key in UTF-8", GOOD_BODY, 400, `${KEY}"\xc3\xa9"\r\n`),
  post("a key of 256 characters", '{"action":"echo"}', 400, `${KEY}"${"a".repeat(256)}"\r\n`),
  post("a key that contradicts the body", GOOD_BODY, 400, `${KEY}"n-2"\r\n`),
  post(
    "a legacy receipt without its result",
    '{"exec_id":"x","receipt":"y"}',
    400,
    "",
    "/receipts/verify",
  ),
  post("a legacy receipt that is a list", "[]", 400, "", "/receipts/verify"),
  post("a POST where one may only GET", "{}", 405, "", "/health"),
] as const;

/** A POST /execute that is served, with these field lines. */
function odd(name: string, field: string, before = ""): MalformedRequest {
  const length = `Content-Length: ${GOOD_BODY.length}`;
  return raw(
    name,
    `${before}POST /execute HTTP/1.1\r\n${field}\r\n${length}\r\n\r\n${GOOD_BODY}`,
    200,
  );
}

/** A chunked POST /execute that is served. */
function oddChunks(name: string, body: string): MalformedRequest {
  return raw(
    name,
    `POST /execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
    200,
  );
}

/** Well-formed requests that look as if they were not. Each is executed. */
export const ODD_REQUESTS: readonly MalformedRequest[] = [
  odd("an empty line before the method", "Host: x", "\r\n"),
  odd("three empty lines before the method", "Host: x", "\r\n\r\n\r\n"),
  odd("a Host without a value", "Host:"),
  odd("a Host with an equals sign", "Host: 0.0.0.0=5000"),
  odd("a Host with a comma", "Host: x,y"),
  odd("a Host with an escape", "Host: %2Frun%2Fopenexec.sock"),
  odd("a Host with a port that is not there", "Host: x:"),
  odd("a Host with an IPv6 address", "Host: [::1]:80"),
  odd("a Host with an IPv4 address in IPv6", "Host: [::ffff:127.0.0.1]"),
  odd("a Host with an address of the future", "Host: [v1.x:y]"),
  odd("tabs around a value", "Host:\t x \t"),
  oddChunks("a chunk size with zeros before it", `0001F\r\n${GOOD_BODY}\r\n000\r\n\r\n`),
  oddChunks("an extension with a name", `1f;a\r\n${GOOD_BODY}\r\n0;b\r\n\r\n`),
  oddChunks("an extension with a value", `1f;a=b;c\r\n${GOOD_BODY}\r\n0\r\n\r\n`),
  oddChunks(
    "an extension with a quoted value",
    `1f;a="b;\\"=\xe9";c=d\r\n${GOOD_BODY}\r\n0\r\n\r\n`,
  ),
  oddChunks("a trailer", `1f\r\n${GOOD_BODY}\r\n0\r\nA: b\r\nC:\r\n\r\n`),
];

export const MALFORMED_REQUESTS: readonly MalformedRequest[] = [
  ...REQUEST_LINES,
  ...METHODS,
  ...TARGETS,
  ...FIELDS,
  ...FRAMING,
  ...CHUNKS,
  ...CUT_SHORT,
  ...BODIES,
];
