import { expect, test } from "vitest";
import { mayFollow, releaseChangelog } from "../../scripts/release.ts";

test.each([
  ["0.2.0", "0.2.0", true],
  ["0.2.0", "0.2.1", true],
  ["0.2.9", "0.10.0", true],
  ["0.9.9", "1.0.0", true],
  ["0.2.1", "0.2.0", false],
  ["1.0.0", "0.9.9", false],
  ["0.2.0", "0.3", false],
  ["0.2.0", "v0.3.0", false],
  ["0.2.0", "0.3.0-rc.1", false],
])("after %s comes %s: %s", (current, version, may) => {
  expect(mayFollow(current, version)).toBe(may);
});

const HEAD = "# Changelog\n\n## Unreleased\n";

test("a release takes over what is unreleased, and leaves the older ones", () => {
  const text = `${HEAD}\n### Added\n\n- a thing\n\n## 0.2.0 - 2026-01-01\n\n- the first\n`;
  expect(releaseChangelog(text, "0.3.0", "2026-02-02")).toEqual({
    notes: "### Added\n\n- a thing",
    changelog: `${HEAD}\n## 0.3.0 - 2026-02-02\n\n### Added\n\n- a thing\n` +
      "\n## 0.2.0 - 2026-01-01\n\n- the first\n",
  });
});

test("a release without notes is none", () => {
  expect(() => releaseChangelog(HEAD, "0.3.0", "2026-02-02")).toThrow();
  expect(() => releaseChangelog("# Changelog\n", "0.3.0", "2026-02-02")).toThrow();
});
