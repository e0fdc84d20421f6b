import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { vitestArguments } from "../../scripts/test.ts";
import { README, ROOT } from "../walkthroughs/checkout.ts";

const DOCUMENT = readFileSync(join(ROOT, "docs/guarantees.md"), "utf8");
const NAMES = ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9", "G10", "G11"];

/** The text under each `## G…`. */
const guarantees = new Map(
  DOCUMENT.split(/^## /m).slice(1).map((part) => [part.slice(0, part.indexOf("\n")), part]),
);

/** The files and titles of tests that a text names, as `file › title`. */
function testsNamedIn(text: string): { file: string; title: string }[] {
  return [...text.matchAll(/^- `(test\/\S+\.test\.ts) › (.+)`$/gm)]
    .map(([, file = "", title = ""]) => ({ file, title }));
}

/**
 * Titles of the tests of a file, as its source has them: the texts that calls begin with which go
 * on with a function. What only says that a tool is missing (`${…}`) is left out.
 */
function titlesIn(source: string): ReadonlySet<string> {
  const code = source.replace(/^\s*\/\/.*$/gm, "");
  const first = /\(\s*(["`])((?:\\.|(?!\1)[^\\])*)\1,\s*(?:async\b|\(|[a-z])/g;
  return new Set([...code.matchAll(first)].map(([, , title = ""]) => withoutExpressions(title)));
}

function withoutExpressions(title: string): string {
  return title.replace(/ ?\$\{[^}]*\}/g, "");
}

test("there are eleven guarantees, each with claim, means, limits and tests, in this order", () => {
  expect([...guarantees.keys()]).toEqual(NAMES);
  for (const [name, text] of guarantees) {
    const parts = [...text.matchAll(/^\*\*(\w+(?: by)?)\.?\*\*/gm)].map(([, part]) => part);
    expect(parts, name).toEqual(["Claim", "How", "Limits", "Proved by"]);
    expect(testsNamedIn(text).length, name).toBeGreaterThan(2);
  }
});

test.each([...guarantees])(
  "every test that %s names exists, under exactly that title",
  (_, text) => {
    const lines = text.slice(text.indexOf("**Proved by**")).split("\n").filter((line) =>
      line.startsWith("-")
    );
    const named = testsNamedIn(text);
    expect(named.length).toBe(lines.length);
    const missing = named.filter(({ file, title }) => {
      const path = join(ROOT, file);
      return !existsSync(path) || !titlesIn(readFileSync(path, "utf8")).has(title);
    });
    expect(missing).toEqual([]);
  },
);

test("every name can be pasted behind npm test, and means its test", () => {
  const named = testsNamedIn(DOCUMENT);
  expect(named.length).toBeGreaterThan(100);
  for (const { file, title } of named) {
    const [path, option = ""] = vitestArguments([`${file} › ${title}`]);
    expect(path).toBe(file);
    const pattern = new RegExp(option.replace("--testNamePattern=", ""));
    expect(title.replaceAll(/%\w|\$\w+/g, "(a) b"), title).toMatch(pattern);
    expect("another", title).not.toMatch(pattern);
    expect(title, "a quote would end the argument").not.toContain("'");
  }
});

async function npmTest(name: string) {
  const { code, stdout, stderr } = await new Deno.Command("npm", {
    args: ["test", name],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

test("npm test runs one test by its name", async () => {
  const { code, said } = await npmTest(
    "test/core/sha.test.ts › digestOf() is the text of the same hash",
  );
  expect(said).toMatch(/Tests\s+1 passed/);
  expect(code).toBe(0);
});

test("npm test fails for a name that no test has", async () => {
  const { code, said } = await npmTest("test/core/sha.test.ts › digestOf() is something else");
  expect(said).toContain("No test ran");
  expect(code).toBe(1);
});

test("titlesIn() finds titles where they stand, and no other text", () => {
  const source =
    `test("one", () => {});\ntest.each(T)(\n  \`two %s\${missing}\`,\n  async () => f("three"),\n);
// test("four", () => {});\nconst five = g("five");`;
  expect([...titlesIn(source)]).toEqual(["one", "two %s"]);
});

test("README.md's table names every guarantee and says what docs/guarantees.md says", () => {
  const rows = [...DOCUMENT.matchAll(/^\| \[(G\d+)\]\(#(g\d+)\) \| (.+) \|$/gm)];
  expect(rows.map(([, name]) => name)).toEqual(NAMES);
  for (const [, name, anchor, claim] of rows) {
    expect(README).toContain(`| [${name}](docs/guarantees.md#${anchor}) | ${claim} |`);
  }
});
