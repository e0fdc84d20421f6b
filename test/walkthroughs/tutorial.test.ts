import { describe, expect, test } from "vitest";
import { RUNTIME_CACHE } from "../support/runtime_cache.ts";
import { testWith } from "../support/tools.ts";
import { reader, ROOT, TOOLS } from "./checkout.ts";
import { blocksOf } from "../docs/markdown.ts";

/** Documents that a reader types along, README.md in clean_clone.test.ts, and the sections of blocks that nothing is done with. */
const FOLLOWED = {
  "README.md": ["openexec"],
  "docs/tutorial.md": [],
};

const read = (path: string) => Deno.readTextFileSync(`${ROOT}/${path}`);

describe.each(Object.entries(FOLLOWED))("%s", (path, pictures) => {
  const blocks = blocksOf(read(path));

  test("a block that nothing is done with is a picture, or for another machine", () => {
    const skipped = blocks.filter(({ language }) => language === "");
    expect(skipped.map(({ section }) => section)).toEqual(pictures);
    expect(blocks.filter(({ language }) => language === "sh").length).toBeGreaterThan(10);
  });
});

testWith(...TOOLS)(
  "docs/tutorial.md: every command does, and every file and output is, what it says",
  async () => {
    const home = Deno.makeTempDirSync({ prefix: "openexec-tutorial-" });
    const walkthrough = reader(home, ROOT, ROOT, RUNTIME_CACHE);
    try {
      for (const block of blocksOf(read("docs/tutorial.md"))) await walkthrough.follow(block);
    } finally {
      await walkthrough.close();
      Deno.removeSync(home, { recursive: true });
    }
  },
  120_000,
);
