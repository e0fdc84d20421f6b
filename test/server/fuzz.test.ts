import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { latin1, rawExchange } from "../support/raw_http.ts";
import { TestServer } from "./fakes.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ limits: { headerMs: 300, bodyMs: 300 } });
});
afterAll(() => server.close());

const BODY = '{"action":"echo","nonce":"n-1"}';
const SEEDS = [
  `POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  `POST /execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n${BODY}\r\n0\r\n\r\n`,
  "GET /executions?nonce=n-1 HTTP/1.1\r\nHost: x\r\nPrefer: wait=1\r\n\r\n",
  `POST /execute HTTP/1.0\r\nIdempotency-Key: "n-1"\r\nContent-Length: 17\r\n\r\n{"action":"echo"}`,
].map(latin1);

/** Cuts, flips, doubles and transplants pieces of well-formed requests. */
const mutant = fc.tuple(
  fc.constantFrom(...SEEDS),
  fc.array(
    fc.tuple(
      fc.nat(200),
      fc.nat(20),
      fc.constantFrom("cut", "flip", "double", "transplant"),
      fc.nat(255),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
  fc.constantFrom(...SEEDS),
).map(([seed, edits, donor]) => {
  let bytes = [...seed];
  for (const [at, length, kind, value] of edits) {
    const piece = bytes.slice(at, at + length);
    if (kind === "cut") bytes.splice(at, length);
    else if (kind === "flip") bytes = bytes.map((byte, index) => index === at ? value : byte);
    else if (kind === "double") bytes.splice(at, 0, ...piece);
    else bytes.splice(at, 0, ...donor.slice(at, at + length));
  }
  return Uint8Array.from(bytes);
});

test("mutants of good requests are answered or cut off, and never a bug", async () => {
  await fc.assert(
    fc.asyncProperty(mutant, fc.boolean(), async (bytes, halfClose) => {
      const { answers, closed } = await rawExchange(server.agent, bytes, {
        halfClose,
        patienceMs: 5000,
      });
      expect(answers.length > 0 || closed).toBe(true);
      for (const { status } of answers) expect(status).toBeLessThan(500);
    }),
    { numRuns: 150 },
  );
  expect(server.bugs).toEqual([]);
});
