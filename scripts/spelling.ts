/**
 * `npm run spelling`: finds words in comments and documents that neither the dictionary (British
 * English) nor scripts/words.txt knows, and ends with 1 when there are any. Code, addresses, quoted
 * names and everything spelled like one are left out.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
// @ts-types="@types/nspell"
import nspell from "nspell";
import { utf8Encode } from "../src/core/bytes.ts";
import { program } from "../src/os/program.ts";

const SOURCES = /\.(ts|mjs|c|h|py)$/;
const READ = /\.(ts|mjs|c|h|py|md)$/;
const OTHERS_WROTE = /^(test\/vectors\/|package-lock)/;

/** What stands in a text without being a word of its language. */
const NAMES = [
  /`[^`]*`/g, // code
  /\b[a-z]+:\/\/\S+|\]\([^)]*\)|\burn:\S+/g, // addresses
  /&[a-z]+;|\\[a-z]/g, // entities, escapes
  /(?<!\w)[-~$/.]+[\w.{/-]*/g, // flags, paths, variables
  /[\w$]+(?=\()|\w*[_\d@=/\\]\S*|\w+(?:[.:]\w+)+/g, // calls, and names with marks in them
  /\b\w*[a-z][A-Z]\w*|\b[A-Z]{2,}\w*/g, // camelCase, abbreviations
];

const dictionary = nspell(
  readRoot("node_modules/dictionary-en-gb/index.aff"),
  readRoot("node_modules/dictionary-en-gb/index.dic"),
);
const known = new Set(readRoot("scripts/words.txt").trim().split("\n"));

/** Returns the words of a file that are spelled wrongly, each with its line: `3: mispelled`. */
export function unknownIn(file: string, text: string): string[] {
  const lines = SOURCES.test(file) ? commentsOf(text) : proseOf(text);
  return lines.flatMap((line, at) =>
    wordsOf(line).filter((word) => !isKnown(word)).map((word) => `${at + 1}: ${word}`)
  );
}

function isKnown(word: string): boolean {
  if (known.has(word) || known.has(word.toLowerCase())) return true;
  if (!dictionary.correct(word)) return false;
  known.add(word); // to look it up costs more than all else
  return true;
}

/** Returns the text line by line, with all but its comments left out. */
function commentsOf(text: string): string[] {
  let inside = false;
  return text.split("\n").map((line) => {
    const isBlock = inside || line.trimStart().startsWith("/*");
    if (!isBlock) return /(?:^|\s)\/\/ (.*)$/.exec(line)?.[1] ?? "";
    inside = !line.includes("*/");
    return line.replace(/^\s*\/?\*+|\*\/.*$/g, "");
  });
}

/** Returns the text of a Markdown file line by line, with fenced and indented blocks left out. */
function proseOf(text: string): string[] {
  let fenced = false;
  return text.split("\n").map((line) => {
    const isFence = /^\s*```/.test(line);
    if (isFence) fenced = !fenced;
    return fenced || isFence || line.startsWith("    ") ? "" : line;
  });
}

function wordsOf(line: string): string[] {
  const prose = NAMES.reduce((text, name) => text.replace(name, " "), line);
  return (prose.match(/\p{L}+(?:['’]\p{L}+)*/gu) ?? [])
    .map((word) => word.replace(/['’]s?$/u, ""))
    .filter((word) => word.length > 2);
}

function readRoot(path: string): string {
  return readFileSync(`${program.root}/${path}`, "utf8");
}

if (import.meta.main) {
  const listed = execFileSync("git", ["ls-files"], { cwd: program.root, encoding: "utf8" });
  const files = listed.split("\n").filter((file) => READ.test(file) && !OTHERS_WROTE.test(file));
  if (files.length < 100) throw new Error("there is next to nothing to read");
  const unknown = files.flatMap((file) =>
    unknownIn(file, readRoot(file)).map((word) => `${file}:${word}`)
  );
  for (const line of unknown) Deno.stdout.writeSync(utf8Encode(`${line}\n`));
  if (unknown.length > 0) Deno.exit(1);
}
