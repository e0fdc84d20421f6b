import { expect, test } from "vitest";
import { functionsIn, readSource, sentencesIn, type SourceFile } from "./source.ts";

const files = readSource();

const LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;
const COLUMNS_MAX = 100;

/** Says of each file where it breaks a rule. */
function breaches(find: (file: SourceFile) => readonly string[]): string[] {
  return files.flatMap((file) => find(file).map((breach) => `${file.path}: ${breach}`));
}

test("no source file is longer than 300 lines", () => {
  const long = files.filter(({ lines }) => lines.length > LINES_MAX);
  expect(long.map(({ path, lines }) => `${path}: ${lines.length}`)).toEqual([]);
});

test("no function is longer than 70 lines", () => {
  const long = files.flatMap(({ path, lines }) =>
    functionsIn(lines).filter(({ length }) => length > FUNCTION_LINES_MAX).map(({ line, length }) =>
      `${path}:${line}: ${length} lines`
    )
  );
  expect(long).toEqual([]);
});

test("functionsIn() finds functions and their lengths, and no other blocks", () => {
  const code = `export async function one(
  a: number,
): Promise<void> {
  if (a) {
    a();
  } else {
    b();
  }
}
class Two {
  static async #three<T>(a: T): Promise<T> {
    return await new Promise((resolve) => {
      resolve(a);
    });
  }
}
const four = {
  five: 1,
};
for (
  const six of seven
) {
  six();
}`;
  expect(functionsIn(code.split("\n")).map(({ line, length }) => [line, length])).toEqual([
    [1, 9],
    [12, 3],
    [11, 5],
  ]);
  const found = files.flatMap(({ lines }) => functionsIn(lines));
  expect(found.length).toBeGreaterThan(1000);
});

test("no line is longer than 100 columns", () => {
  expect(
    breaches(
      ({ lines }) =>
        lines.flatMap((line, at) => [...line].length > COLUMNS_MAX ? [`line ${at + 1}`] : []),
    ),
  )
    .toEqual([]);
});

test("no sentence of a comment begins with Of, As, What or Whoever", () => {
  expect(
    breaches(
      ({ lines }) =>
        sentencesIn(lines).filter(({ text }) => /^(of|as|what|whoever)\b/i.test(text)).map((
          { line, text },
        ) => `line ${line}: ${text}`),
    ),
  ).toEqual([]);
});

test("sentencesIn() finds the sentences of comments of every kind", () => {
  const code = `/**
 * One goes
 * on. Two.
 *
 * - Three
 */
const a = 1; // four
// five
// goes on: Six
const b = "// no";
/** Seven. */`;
  const sentences = sentencesIn(code.split("\n"));
  expect(sentences.map(({ text }) => text)).toEqual([
    "One goes on.",
    "Two.",
    "Three",
    "four",
    "five goes on:",
    "Six",
    "Seven.",
  ]);
});

test("no file is named for what it is not", () => {
  const vague = /(^|[/_])(utils?|helpers?|managers?|common|misc)(_|\.|\/)/;
  expect(files.filter((file) => vague.test(file.path)).map((file) => file.path)).toEqual([]);
});

test("no type is silenced", () => {
  const silenced = /\bas any\b|: any\b|<any>|@ts-(ignore|expect-error|nocheck)|deno-lint-ignore/;
  expect(files.filter((file) => silenced.test(file.text)).map((file) => file.path)).toEqual([]);
});

test("every file says what it owns before it does anything", () => {
  expect(files.filter((file) => !file.raw.startsWith("/**")).map((file) => file.path)).toEqual([]);
});

test("nothing is left open in the code", () => {
  const open = /\b(TODO|FIXME|XXX|HACK)\b|not implemented/i;
  expect(files.filter((file) => open.test(file.raw)).map((file) => file.path)).toEqual([]);
});
