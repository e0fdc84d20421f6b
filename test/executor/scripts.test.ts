/** Code without its types: made once, and used again only as it was made, for what it was made from. */

import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { utf8Encode } from "../../src/core/encoding.ts";
import { digestOf } from "../../src/core/sha.ts";
import type { Code } from "../../src/executor/protocol.ts";
import { Scripts } from "../../src/executor/scripts.ts";

let directory: string;
let file: string;

beforeEach(() => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-scripts-" });
  file = join(directory, "scripts.json");
});

afterEach(() => Deno.removeSync(directory, { recursive: true }));

const TYPED: Code = { text: "export const n: number = 1;", language: "typescript" };
const STRIPPED: Code = { text: "export const n         = 1;", language: "javascript" };

async function keep(...codes: readonly Code[]): Promise<void> {
  const scripts = new Scripts(file);
  for (const code of codes) await scripts.of(code);
  scripts.keep();
}

const OTHER = "export const n = 2;";
const FORGED = { text: OTHER, digest: digestOf(utf8Encode(OTHER)) };

/** Has what is kept for TYPED in another way. */
async function forge(entry: object, whole: object = {}): Promise<void> {
  await keep(TYPED);
  const { texts: [kept], ...rest } = JSON.parse(Deno.readTextFileSync(file));
  Deno.writeTextFileSync(
    file,
    JSON.stringify({ ...rest, ...whole, texts: [{ ...kept, ...entry }] }),
  );
}

test("what was kept is used as it was written", async () => {
  await forge(FORGED); // else none of the following would show anything
  expect((await new Scripts(file).of(TYPED)).text).toBe(OTHER);
});

test("types become blanks, and JavaScript and what is more than types stay as they are", async () => {
  const scripts = new Scripts(file);
  expect(await scripts.of(TYPED)).toEqual(STRIPPED);
  const script: Code = { text: "export const n = 1;", language: "javascript" };
  expect(await scripts.of(script)).toEqual(script);
  const more: Code = { text: "enum Colour { Red }", language: "typescript" };
  expect(await scripts.of(more)).toEqual(more);
});

test("only what was asked for stays, and a file that says it already is left alone", async () => {
  await keep(TYPED, { text: "let a: string;", language: "typescript" });
  const before = Deno.statSync(file).mtime;
  const scripts = new Scripts(file);
  expect(await scripts.of(TYPED)).toEqual(STRIPPED);
  scripts.keep();
  expect(JSON.parse(Deno.readTextFileSync(file)).texts).toHaveLength(1);
  const after = Deno.statSync(file).mtime;
  expect(after).not.toEqual(before);
  await keep(TYPED);
  expect(Deno.statSync(file).mtime).toEqual(after);
  expect((Deno.statSync(file).mode ?? 0) & 0o777).toBe(0o600);
});

test.each([
  ["another script", () => forge({ text: OTHER })],
  ["what was made from something else", () => forge({ ...FORGED, name: FORGED.digest })],
  ["what another runtime made", () => forge(FORGED, { circumstances: "0.0.0" })],
  ["what has another shape", () => forge({ ...FORGED, more: "" })],
  ["a file that was cut short", async () => {
    await forge(FORGED);
    Deno.truncateSync(file, Deno.statSync(file).size - 1);
  }],
])("%s is not used", async (_what, prepare) => {
  await prepare();
  expect(await new Scripts(file).of(TYPED)).toEqual(STRIPPED);
});
