import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/core/json/canonical_json.ts";
import { parseIJson, toValue } from "../../src/core/json/json.ts";
import {
  actionDigest,
  newRequest,
  OpenExecClient,
  parseRequest,
  requestText,
} from "../../src/client/mod.ts";

const client = new OpenExecClient({ socketPath: "/nowhere" });

function codeOf(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
  return "ok";
}

describe("newRequest()", () => {
  test("takes a fresh nonce each time, unless one is given", () => {
    const nonces = Array.from({ length: 50 }, () => newRequest("echo").nonce);
    expect(new Set(nonces).size).toBe(50);
    expect(newRequest("echo", {}, "n-1").nonce).toBe("n-1");
  });

  test("copies the payload, so that a later change approves nothing else", () => {
    const payload = { amount: 1, to: ["a"] };
    const request = newRequest("pay", payload);
    payload.amount = 1000;
    payload.to.push("mallory");
    expect(request.payload).toEqual({ amount: 1, to: ["a"] });
  });

  test("leaves out members that are undefined", () => {
    expect(requestText(newRequest("a", { x: undefined, y: 1 }, "n"))).toBe(
      '{"action":"a","payload":{"y":1},"nonce":"n"}',
    );
  });

  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  test.each([
    ["NaN, which would become null", { amount: NaN }, "payload_not_i_json"],
    ["Infinity", { amount: Infinity }, "payload_not_i_json"],
    ["a bigint", { amount: 10n }, "payload_not_i_json"],
    ["a Date", { at: new Date(0) }, "payload_not_i_json"],
    ["a Map", { map: new Map() }, "payload_not_i_json"],
    ["a lone surrogate", { text: "\ud800" }, "payload_not_i_json"],
    ["undefined in an array", { list: [undefined] }, "payload_not_i_json"],
    ["a cycle", cyclic, "request_malformed"],
    ["an array", [1], "request_malformed"],
    ["null", null, "request_malformed"],
  ])("refuses %s", (_, payload, code) => {
    expect(codeOf(() => newRequest("a", payload))).toBe(code);
    expect(codeOf(() => client.request("a", payload))).toBe(code);
  });

  test.each([["", "n"], ["white space", "n"], ["a", ""], ["a", "é"], ["a", "x".repeat(256)]])(
    "refuses %j with nonce %j as names",
    (action, nonce) =>
      expect(codeOf(() => newRequest(action, {}, nonce))).toBe("request_malformed"),
  );
});

describe("requestText()", () => {
  test("reads back as the same request, and its payload as the very same value", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()), (payload) => {
        const made = newRequest("a", payload, "n");
        const read = parseRequest(requestText(made));
        expect(canonicalJson(read.payload)).toBe(canonicalJson(made.payload));
        expect(actionDigest(read)).toBe(actionDigest(made));
      }),
    );
  });

  test("is one line of I-JSON whatever the numbers", () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => {
      const text = requestText(newRequest("a", { n }, "n"));
      expect(text).not.toContain("\n");
      expect(toValue(parseIJson(text))).toMatchObject({ payload: { n: n === 0 ? 0 : n } });
    }));
    expect(requestText(newRequest("a", { n: 1e20 }, "n"))).toContain('{"n":1e+20}');
  });
});

describe("parseRequest()", () => {
  test("takes a missing payload for the empty one", () => {
    expect(parseRequest('{"action":"a","nonce":"n"}').payload).toEqual({});
    expect(parseRequest('{"action":"a","nonce":"n","payload":null}').payload).toEqual({});
  });

  test.each([
    ['{"action":"a"}', "nonce_missing"],
    ['{"action":"a","nonce":7}', "nonce_missing"],
    ['{"nonce":"n"}', "request_malformed"],
    ['{"action":"a","nonce":"n","more":1}', "request_malformed"],
    ['{"action":"a","nonce":"n","payload":[]}', "request_malformed"],
    ['{"action":"a","nonce":"n","approval":"x"}', "approval_malformed"],
    ['{"action":"a","nonce":"n","approval":{},"approval_artifact":{}}', "request_malformed"],
    ['{"action":"a","nonce":"n","nonce":"m"}', "payload_not_i_json"],
    ['{"action":"a","nonce":"n","payload":{"n":9007199254740993}}', "payload_not_i_json"],
    ["[]", "request_malformed"],
    ["", "request_malformed"],
  ])("answers %s with %s", (text, code) => expect(codeOf(() => parseRequest(text))).toBe(code));
});
