import { expect, test } from "vitest";
import { readSource } from "./source.ts";

const files = readSource();

test("no source file is longer than 300 lines", () => {
  expect(files.filter((file) => file.lines > 300).map((file) => `${file.path}: ${file.lines}`))
    .toEqual([]);
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
  const root = new URL("../../src/", import.meta.url);
  const silent = files.filter((file) =>
    !Deno.readTextFileSync(new URL(file.path, root)).startsWith("/**")
  );
  expect(silent.map((file) => file.path)).toEqual([]);
});

test("nothing is left open in the code", () => {
  const open = /\b(TODO|FIXME|XXX|HACK)\b|not implemented/i;
  const root = new URL("../../src/", import.meta.url);
  const left = files.filter((file) => open.test(Deno.readTextFileSync(new URL(file.path, root))));
  expect(left.map((file) => file.path)).toEqual([]);
});
