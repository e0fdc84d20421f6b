import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RequestGrammar } from "../../src/server/request_grammar.ts";
import { MALFORMED_REQUESTS, ODD_REQUESTS } from "./malformed_requests.ts";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/** What the parser is given of these pieces, in Latin-1, and the fault after it. */
function taken(pieces: readonly Uint8Array[]) {
  const grammar = new RequestGrammar();
  let passed = "";
  for (const piece of pieces) {
    const fault = grammar.take(Buffer.from(piece), (bytes) => passed += bytes.toString("latin1"));
    if (fault !== null) return { passed, code: fault.code };
  }
  return { passed, code: null };
}

const whole = (text: string) => taken([Buffer.from(text, "latin1")]);

test("requests pass as they came, one after another", () => {
  for (const { bytes } of ODD_REQUESTS.filter(({ name }) => !name.includes("empty line"))) {
    const text = Buffer.from(bytes).toString("latin1") + GET;
    expect(whole(text)).toEqual({ passed: text, code: null });
  }
});

test.each(["\r\n", "\r\n\r\n", "\r"])(
  "the parser sees nothing of %j between two requests",
  (rest) => {
    expect(whole(GET + rest)).toEqual({ passed: GET, code: null });
  },
);

test("nothing is passed from a faulty line on", () => {
  expect(whole(`${GET}GET / RTSP/1.0\r\n${GET}`)).toEqual({
    passed: GET,
    code: "request_malformed",
  });
});

test("nothing is passed behind a head that leaves the length in doubt", () => {
  const head = "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
  expect(whole(`${head}12${GET}`)).toEqual({ passed: head, code: null });
});

test("how the bytes are cut changes neither the fault nor what the parser can act on", () => {
  const request = fc.constantFrom(...MALFORMED_REQUESTS, ...ODD_REQUESTS)
    .map(({ bytes }) => bytes).filter(({ length }) => length < 1000);
  fc.assert(
    fc.property(request, fc.array(fc.nat(1000)), (bytes, cuts) => {
      const edges = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b)];
      const pieces = edges.map((edge, index) => bytes.subarray(edge, edges[index + 1]));
      const [once, cut] = [taken([bytes]), taken(pieces)];
      expect(cut.code).toBe(once.code);
      // Of a faulty line the beginning may have been passed, and never its end.
      expect(cut.passed.startsWith(once.passed)).toBe(true);
      expect(cut.passed.slice(once.passed.length)).not.toContain("\n");
    }),
    { numRuns: 500 },
  );
});
