/**
 * `npm test`: hands files, folders and vitest's options to vitest; without any, all folders but the
 * slow ones, and with `--slow` those. It also takes a test as docs/guarantees.md names it, as one
 * argument: FILE › TITLE.
 */

import { readdirSync } from "node:fs";
import process from "node:process";

const TESTS = new URL("../test", import.meta.url);

/**
 * Folders whose tests build and boot the single file, kill what writes to the disk, flood, look at
 * pages in a browser, or type whole documents. Together they take half of the time of all others.
 */
const SLOW = new Set(["build", "crash", "flood", "page", "systemd", "walkthroughs"]);

const SEPARATOR = " › ";

/** What each case of a table puts into a title: %s, $name. */
const PLACEHOLDER = /%[a-z#%]|\$[a-zA-Z.]+/g;

/** Returns arguments of vitest. */
export function vitestArguments(named: readonly string[]): string[] {
  const given = named.filter((argument) => argument !== "--slow");
  const isAllOptions = given.every((argument) => argument.startsWith("-"));
  if (isAllOptions) return [...foldersOf(named.includes("--slow")), ...given];
  return given.flatMap((argument) => {
    const at = argument.indexOf(SEPARATOR);
    if (at < 0) return [argument];
    const title = argument.slice(at + SEPARATOR.length);
    return [argument.slice(0, at), `--testNamePattern=${patternOf(title)}`];
  });
}

/** Each with a slash behind it: vitest takes a part of a path for a name. */
function foldersOf(isSlow: boolean): string[] {
  return readdirSync(TESTS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && SLOW.has(entry.name) === isSlow)
    .map(({ name }) => `test/${name}/`);
}

/** Returns a regular expression that every test with this title matches. */
function patternOf(title: string): string {
  return title.split(PLACEHOLDER).map((text) => RegExp.escape(text)).join(".*");
}

/** For a title that no test has, vitest skips all the others and is content. */
const REPORTERS = [
  "--reporter=default",
  `--reporter=${new URL("none_ran.ts", import.meta.url).pathname}`,
];

if (import.meta.main) {
  const reporters = Deno.args.some((argument) => argument.includes(SEPARATOR)) ? REPORTERS : [];
  process.argv.splice(2, Infinity, "run", ...vitestArguments(Deno.args), ...reporters);
  await import("../node_modules/vitest/vitest.mjs");
}
