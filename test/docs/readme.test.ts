import { afterAll, beforeAll, expect, test } from "vitest";
import metadata from "../../package.json" with { type: "json" };
import { testWith } from "../support/tools.ts";
import { reader, README, ROOT, TOOLS } from "./checkout.ts";
import { blocksOf } from "./markdown.ts";

const blocks = blocksOf(README);
let home: string;

beforeAll(() => home = Deno.makeTempDirSync({ prefix: "openexec-readme-" }));
afterAll(() => Deno.removeSync(home, { recursive: true }));

testWith(...TOOLS)(
  "README.md: every command does, and every file and output is, what it says, in an empty home",
  async () => {
    const walkthrough = reader(home, ROOT, ROOT);
    try {
      for (const block of blocks) {
        if (!block.words.includes("clone")) await walkthrough.follow(block);
      }
    } finally {
      await walkthrough.close();
    }
  },
  120_000,
);

test("README.md: a block that nothing is done with is a picture, or for another machine", () => {
  expect(blocks.filter(({ language }) => language === "").map(({ section }) => section)).toEqual([
    "openexec",
    "Deploy",
    "Tests",
  ]);
  expect(blocks.filter(({ language }) => language === "sh").length).toBeGreaterThan(20);
});

test("README.md: every dependency has its reason", () => {
  const section = README.slice(README.indexOf("\n## Dependencies"), README.indexOf("\n## Tests"));
  const rows = [...section.matchAll(/^\| ([^ |]+) \| \S/gm)].map(([, name]) => name).slice(1);
  expect(rows.toSorted()).toEqual(Object.keys(metadata.dependencies).toSorted());
});
