import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatApproverKey,
  InvalidApproverKey,
  newApproverKey,
  parseApproverKey,
} from "../../src/client/mod.ts";

const key = newApproverKey({ keyid: "k-1", name: "release-manager" });
const file = JSON.parse(formatApproverKey(key)) as Record<string, unknown>;
const other = JSON.parse(formatApproverKey(newApproverKey())) as Record<string, unknown>;

describe("an approver key file", () => {
  test("reads back as the key it was made from", () => {
    expect(parseApproverKey(formatApproverKey(key))).toEqual(key);
    const nameless = newApproverKey();
    expect(parseApproverKey(formatApproverKey(nameless))).toEqual(nameless);
  });

  test("names its key by a digest unless told otherwise", () => {
    expect(newApproverKey().keyid).toMatch(/^key-[0-9a-f]{16}$/);
    expect(newApproverKey().keyid).not.toBe(newApproverKey().keyid);
  });

  test.each([
    ["another type", { ...file, type: "openexec-approver-key-v2" }],
    ["an unknown member", { ...file, comment: "x" }],
    ["no keyid", { ...file, keyid: undefined }],
    ["a keyid that is no name", { ...file, keyid: "two words" }],
    ["a name that is no name", { ...file, name: "" }],
    ["a short private key", { ...file, private_key: btoa("short") }],
    ["the public key of another", { ...file, public_key: other["public_key"] }],
    ["no object", [file]],
  ])("is refused with %s", (_, wrong) => {
    expect(() => parseApproverKey(JSON.stringify(wrong))).toThrow(InvalidApproverKey);
  });

  test("is refused whatever else it is, and the refusal says nothing of its content", () => {
    fc.assert(fc.property(fc.string(), (text) => {
      expect(() => parseApproverKey(text)).toThrow(InvalidApproverKey);
    }));
    const secret = String(file["private_key"]);
    try {
      parseApproverKey(JSON.stringify({ ...file, name: secret, keyid: `${secret} ` }));
    } catch (error) {
      expect(String(error)).not.toContain(secret);
      return;
    }
    throw new Error("it was taken");
  });
});

test.each([{ keyid: "" }, { keyid: "two words" }, { name: "é" }])(
  "newApproverKey() refuses %j",
  (options) => {
    expect(() => newApproverKey(options)).toThrow(InvalidApproverKey);
  },
);
