import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { joined } from "../../src/os/joined.ts";

/** Joins modules named by their specifiers, and returns what the last one exports. */
function run(modules: Readonly<Record<string, string>>): unknown {
  const text = joined(new Map(Object.entries(modules)), (specifier) => specifier);
  return runInNewContext(`${text}module${Object.keys(modules).length - 1}`);
}

test("every form of import finds what every form of export gives", () => {
  const exports = `
export const one = 1;
export function two() {
  return 2;
}
export async function three() {}
export async function* four() {}
export class Five {}
const six = 6, seven = 7;
export { six, seven as sept };
export { zero as nought } from "zero";
`;
  const entry = `
import * as all from "numbers";
import { one, two as deux } from "numbers";
import {
  sept,
  nought,
} from "numbers";
export const names = Object.keys(all).sort();
export const values = [one, deux(), sept, nought];
`;
  const zero = "export const zero = 0;";
  expect(run({ zero, numbers: exports, entry })).toEqual({
    names: ["Five", "four", "nought", "one", "sept", "six", "three", "two"],
    values: [1, 2, 7, 0],
  });
});

test("what a module does not export is its own", () => {
  const first = "const hidden = 1;\nexport const shown = hidden;";
  const second =
    'import { shown } from "first";\nconst hidden = 2;\nexport const sum = shown + hidden;';
  expect(run({ first, second })).toEqual({ sum: 3 });
});

test.each([
  "export default 1;",
  "export let changing = 1;",
  'export * from "first";',
  'import only from "first";',
  'import "first";',
])("a module with %j does not run", (text) => {
  const act = () => run({ first: "export const one = 1;", text });
  expect(act).toThrow(expect.objectContaining({ name: "SyntaxError" }));
});
