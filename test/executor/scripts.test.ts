import { expect, test } from "vitest";
import type { Code } from "../../src/executor/protocol.ts";
import { scriptOf } from "../../src/executor/scripts.ts";

test("types become blanks, and JavaScript and what is more than types stay as they are", () => {
  const typed: Code = { text: "export const n: number = 1;", language: "typescript" };
  expect(scriptOf(typed)).toEqual({ text: "export const n         = 1;", language: "javascript" });
  const script: Code = { text: "export const n = 1;", language: "javascript" };
  expect(scriptOf(script)).toEqual(script);
  const more: Code = { text: "enum Colour { Red }", language: "typescript" };
  expect(scriptOf(more)).toEqual(more);
});
