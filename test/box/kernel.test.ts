import { expect, test } from "vitest";
import { missingParts, wholenessOf } from "../../src/box/kernel.ts";

test.each([
  [6, true, "whole", []],
  [7, true, "whole", []],
  [5, true, "partial", [/^Landlock of version 6 \(this kernel has 5\)$/]],
  [0, true, "partial", [/^Landlock/]],
  [6, false, "partial", [/^seccomp$/]],
  [0, false, "none", [/^Landlock/, /^seccomp$/]],
])("Landlock %i and seccomp %s make a box that is %s", (landlock, seccomp, wholeness, missing) => {
  expect(wholenessOf({ landlock, seccomp })).toBe(wholeness);
  expect(missingParts({ landlock, seccomp })).toEqual(
    missing.map((part) => expect.stringMatching(part)),
  );
});
