/**
 * `npm test`: hands files, folders and vitest's options to vitest. It also takes a test as
 * docs/guarantees.md names it, as one argument: FILE › TITLE.
 */

import process from "node:process";

const SEPARATOR = " › ";

/** What each case of a table puts into a title: %s, $name. */
const PLACEHOLDER = /%[a-z#%]|\$[a-zA-Z.]+/g;

/** Returns arguments of vitest. */
export function vitestArguments(named: readonly string[]): string[] {
  return named.flatMap((argument) => {
    const at = argument.indexOf(SEPARATOR);
    if (at < 0) return [argument];
    const title = argument.slice(at + SEPARATOR.length);
    return [argument.slice(0, at), `--testNamePattern=${patternOf(title)}`];
  });
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
