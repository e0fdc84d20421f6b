import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  actionDigest,
  canonicalJson,
  canonicalNode,
  canonicalRequest,
} from "../../src/core/json/canonical_json.ts";
import { parseCanonical, parseIJson, toValue } from "../../src/core/json/json.ts";
import { NESTING_DEPTH_MAX } from "../../src/core/limits.ts";
import type { Json } from "../../src/core/types.ts";
import { codeOf } from "../support/refusals.ts";
import { canonicalVectors } from "../support/vectors.ts";

describe("canonical JSON vectors", () => {
  test.each(canonicalVectors())(
    "$name",
    ({ action, payload_text, canonical, action_digest, refused }) => {
      if (refused !== undefined) {
        expect(codeOf(() => parseIJson(payload_text))).toBe(refused);
        return;
      }
      const payload = parseIJson(payload_text);
      expect(canonicalNode(payload)).toBe(canonical);
      expect(actionDigest(canonicalRequest(action, payload))).toBe(action_digest);
    },
  );
});

describe("canonicalJson()", () => {
  test("prints what an independent implementation of RFC 8785 prints", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      const node = parseCanonical(JSON.stringify(value));
      expect(canonicalNode(node)).toBe(canonicalize(value));
      expect(canonicalJson(toValue(node))).toBe(canonicalize(value));
    }));
  });

  test.each([
    ["NaN", NaN],
    ["a lone surrogate", "\ud800"],
    ["a lone surrogate in a key", { "\udfff": 1 }],
    ["a Date", { at: new Date(0) }],
    ["a hole", [, 1]],
    ["undefined", { a: undefined }],
  ])("refuses %s, which JSON cannot say", (_, value) => {
    expect(codeOf(() => Reflect.apply(canonicalJson, undefined, [value]))).toBe(
      "payload_not_i_json",
    );
  });

  test("prints what is as deep as parsing goes, and no deeper", () => {
    const nested = (levels: number): Json => levels === 0 ? 1 : [nested(levels - 1)];
    const deepest = canonicalJson(nested(NESTING_DEPTH_MAX));
    expect(toValue(parseIJson(deepest))).toEqual(nested(NESTING_DEPTH_MAX));
    expect(codeOf(() => canonicalJson(nested(NESTING_DEPTH_MAX + 1)))).toBe("request_malformed");
  });

  test("refuses a cycle instead of overflowing the stack", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(codeOf(() => Reflect.apply(canonicalJson, undefined, [cycle]))).toBe(
      "request_malformed",
    );
  });
});
