import { afterEach, beforeEach, describe, expect, test } from "vitest";
import metadata from "../../package.json" with { type: "json" };
import { testWith } from "../support/tools.ts";
import { reader, ROOT, TOOLS } from "./checkout.ts";
import { blocksOf } from "./markdown.ts";

/** Documents that a reader types along, and the sections of blocks that nothing is done with. */
const FOLLOWED = {
  "README.md": ["openexec"],
  "docs/tutorial.md": [],
};

const read = (path: string) => Deno.readTextFileSync(`${ROOT}/${path}`);

let home: string;
beforeEach(() => home = Deno.makeTempDirSync({ prefix: "openexec-readme-" }));
afterEach(() => Deno.removeSync(home, { recursive: true }));

describe.each(Object.entries(FOLLOWED))("%s", (path, pictures) => {
  const blocks = blocksOf(read(path));

  testWith(...TOOLS)(
    "every command does, and every file and output is, what it says, in an empty home",
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

  test("a block that nothing is done with is a picture, or for another machine", () => {
    const skipped = blocks.filter(({ language }) => language === "");
    expect(skipped.map(({ section }) => section)).toEqual(pictures);
    expect(blocks.filter(({ language }) => language === "sh").length).toBeGreaterThan(10);
  });
});

test("docs/dependencies.md: every dependency has its reason", () => {
  const rows = [...read("docs/dependencies.md").matchAll(/^\| ([^ |]+) \| \S/gm)].map(([, name]) =>
    name
  ).slice(1);
  expect(rows.toSorted()).toEqual(
    Object.keys({ ...metadata.dependencies, ...metadata.optionalDependencies }).toSorted(),
  );
});
