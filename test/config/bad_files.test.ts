import { expect, test } from "vitest";
import { CONTRADICTORY, MISSHAPEN } from "./bad_files.ts";
import { FILE, problemsOf } from "./loading.ts";

test("the table of bad files is not cut short", () => {
  expect(MISSHAPEN.length + CONTRADICTORY.length).toBeGreaterThanOrEqual(110);
});

test.each([...MISSHAPEN, ...CONTRADICTORY])(
  "loadConfig() refuses $text for $key on line $line",
  ({ key, line, text }) => {
    expect(problemsOf(text).map(({ source, line, key }) => ({ source, line, key }))).toEqual([
      { source: FILE, line, key },
    ]);
  },
);

test("loadConfig() reports every problem of a file at once, in file order", () => {
  const text = [
    'mode = "open"',
    "[limits]",
    "in_flight = 0",
    "[actions.echo]",
    'module = "builtin:echo"',
    'timout = "1s"',
    "[[sockets]]",
    'mode = "0777"',
  ].join("\n");
  expect(problemsOf(text).map(({ line, key }) => `${line} ${key}`)).toEqual([
    "1 mode",
    "3 limits.in_flight",
    "6 actions.echo.timout",
    "7 sockets[0].path",
    "8 sockets[0].mode",
  ]);
});

test("loadConfig() reports every contradiction of a file at once, in file order", () => {
  const text = [
    "[actions.x]",
    'module = "builtin:nothing"',
    "[[sockets]]",
    'path = "/a/s"',
    "[[sockets]]",
    'path = "/b/s"',
  ].join("\n");
  expect(problemsOf(text).map(({ line, key }) => `${line} ${key}`)).toEqual([
    "2 actions.x.module",
    "6 sockets[1].path",
  ]);
});

test("a problem says what is expected and what was there", () => {
  const [problem] = problemsOf('[limits]\nheader_timeout = "ten"');
  expect(problem?.message).toContain('"10s"');
  expect(problem?.message).toContain('"ten"');
});

test.each([
  ["[proposals]", "expires", '"8d"'],
  ["[limits]", "header_timeout", '"25d"'],
  ["[retention]", "payload", '"1ms"'],
  ["[limits]", "request_bytes", '"2GiB"'],
  ["[limits]", "request_bytes", '"999TiB"'],
  ["[limits]", "request_bytes", "0"],
])("a problem in %s shows %s as it was written: %s", (table, key, written) => {
  const [problem] = problemsOf(`${table}\n${key} = ${written}`);
  expect(problem?.message).toMatch(/^expected a (?:duration|size) from .* to .*, such as/);
  expect(problem?.message.endsWith(`, got ${written}`)).toBe(true);
});

test("a problem with an unknown key names the known ones", () => {
  const [problem] = problemsOf('[retention]\npayloads = "1h"');
  expect(problem?.message).toContain("payload, result");
});
