import { expect, test } from "vitest";
import { rawExchange } from "../support/raw_http.ts";
import { TestServer, type TestServerOptions } from "./fakes.ts";

const TOO_LARGE = `Content-Length: 5000\r\n\r\n${"x".repeat(5000)}`;
const UID = Deno.uid() ?? 0;

/** Each request has several faults at once: the one that is decided first must be answered. */
const CASES: readonly [
  title: string,
  request: string,
  code: string,
  options?: TestServerOptions,
][] = [
  [
    "peer_denied before route_not_found",
    "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n",
    "peer_denied",
    { agent: { uids: new Set([UID + 1]) } },
  ],
  [
    "peer_denied before a doubtful framing",
    "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "peer_denied",
    { agent: { uids: new Set([UID + 1]) } },
  ],
  [
    "route_not_found before request_too_large",
    `POST /nope HTTP/1.1\r\nHost: x\r\n${TOO_LARGE}`,
    "route_not_found",
  ],
  [
    "method_not_allowed before request_too_large",
    `PUT /execute HTTP/1.1\r\nHost: x\r\n${TOO_LARGE}`,
    "method_not_allowed",
  ],
  [
    "method_not_allowed before admin_only",
    "GET /admin/halt HTTP/1.1\r\nHost: x\r\n\r\n",
    "method_not_allowed",
  ],
  [
    "admin_only before request_too_large",
    `POST /admin/halt HTTP/1.1\r\nHost: x\r\n${TOO_LARGE}`,
    "admin_only",
  ],
  [
    "route_not_found before two Hosts",
    "GET /nope HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "route_not_found",
  ],
  [
    "request_too_large before a malformed key",
    `POST /execute HTTP/1.1\r\nHost: x\r\nIdempotency-Key: n\r\n${TOO_LARGE}`,
    "request_too_large",
  ],
  [
    "request_malformed before payload_not_i_json",
    'POST /execute HTTP/1.1\r\nHost: x\r\nIdempotency-Key: n\r\nContent-Length: 13\r\n\r\n{"a":1,"a":2}',
    "request_malformed",
  ],
];

test.each(CASES)("%s", async (_title, request, code, options = {}) => {
  const server = await TestServer.start(options);
  try {
    const { answers, closed } = await rawExchange(server.agent, request);
    expect(JSON.parse(answers[0]?.body ?? "{}").code).toBe(code);
    expect(server.engine.executed).toEqual([]);
    if (request.includes(TOO_LARGE)) expect(closed).toBe(true);
  } finally {
    await server.close();
  }
});
