import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testWith } from "../support/tools.ts";
import { reader, README, ROOT, TOOLS } from "./checkout.ts";
import { type Block, blocksOf } from "../docs/markdown.ts";

const TRANSCRIPT = join(ROOT, "docs/transcript.md");
const HEAD = `# From a clone to a verified receipt

What the commands of README.md print on a clean clone, in an empty home, until a receipt is verified.
What changes from run to run is named instead. test/walkthroughs/clean_clone.test.ts compares it, and writes
it anew where OPENEXEC_WRITE_TRANSCRIPT is set.

`;

let home: string;
beforeAll(() => home = Deno.makeTempDirSync({ prefix: "openexec-clone-" }));
afterAll(() => Deno.removeSync(home, { recursive: true }));

/**
 * What a new user's machine has, without the network: `npm ci` links the packages it would install
 * from this checkout, and git takes a repository whoever owns its files, and says as much on a slow
 * machine as on a fast one.
 */
function standIns(): Readonly<Record<string, string>> {
  const folder = join(home, ".stand-ins");
  const packages = join(ROOT, "node_modules");
  const path = Deno.env.get("PATH") ?? "";
  mkdirSync(folder);
  writeFileSync(join(folder, "gitconfig"), "[safe]\n\tdirectory = *\n");
  writeFileSync(
    join(folder, "npm"),
    `#!/bin/sh
[ "$1" = ci ] || PATH='${path}' exec npm "$@"
cp -al '${packages}' node_modules 2>/dev/null && exit
rm -rf node_modules
cp -a '${packages}' node_modules
`,
  );
  chmodSync(join(folder, "npm"), 0o755);
  return {
    PATH: `${folder}:${path}`,
    GIT_CONFIG_GLOBAL: join(folder, "gitconfig"),
    GIT_PROGRESS_DELAY: "3600",
  };
}

/**
 * A copy without its history cannot be cloned: then the test is skipped, which CI does not accept.
 */
const isCheckout = existsSync(join(ROOT, ".git"));
const testClone = isCheckout ? testWith("git", ...TOOLS) : test.skip;

testClone(
  "from a clean clone of HEAD, in an empty home, README.md alone leads to a verified receipt",
  async () => {
    const checkout = join(home, "openexec");
    const walkthrough = reader(home, home, checkout, standIns());
    const isClone = ({ words }: Block) => words.includes("clone");
    try {
      for (const block of blocksOf(README).filter(isClone)) await walkthrough.follow(block);
      const cloned = blocksOf(readFileSync(join(checkout, "README.md"), "utf8"));
      for (const block of cloned.filter((block) => !isClone(block))) {
        await walkthrough.follow(block);
      }
    } finally {
      await walkthrough.close();
    }
    const transcript = walkthrough.transcript();
    expect(transcript).toContain("openexec verify --offline");
    expect(transcript).toContain("\ngenuine\n");
    const document = `${HEAD}\`\`\`\n${transcript}\n\`\`\`\n`;
    if (Deno.env.get("OPENEXEC_WRITE_TRANSCRIPT") !== undefined) {
      writeFileSync(TRANSCRIPT, document);
    }
    expect(document).toBe(readFileSync(TRANSCRIPT, "utf8"));
  },
  300_000,
);
