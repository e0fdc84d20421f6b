import { expect, test } from "vitest";
import { readSource } from "./source.ts";

const CONTRIBUTING = Deno.readTextFileSync(new URL("../../CONTRIBUTING.md", import.meta.url));

/** The words of the last column of the table. */
const banned = [...CONTRIBUTING.matchAll(/^\| [^|]+ \| [^|]+ \| ([a-z, ]+) \|$/gm)]
  .flatMap(([, words = ""]) => words.split(", ")).filter((word) => word !== "not");

/** `LogHead`, `log_head` and `logHead` are all `log head`. */
function wordsOf(name: string): string {
  return name.replace(/([a-z\d])([A-Z])/g, "$1 $2").replace(/[^a-zA-Z\d]+/g, " ").toLowerCase();
}

test("no file and no export has a name with a word that CONTRIBUTING.md rules out", () => {
  const names = readSource().flatMap(({ path, text }) => [
    path,
    ...[...text.matchAll(/^export [a-z ]*?(?:function\*?|class|const|interface|type) (\w+)/gm)]
      .map(([, name = ""]) => name),
  ]);
  const wrong = names.filter((name) =>
    banned.some((word) => ` ${wordsOf(name)} `.includes(` ${word} `))
  );
  expect(names.length).toBeGreaterThan(500);
  expect(banned.length).toBeGreaterThan(5);
  expect(wrong).toEqual([]);
});
