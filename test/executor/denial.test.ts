import { expect, test } from "vitest";
import { reworded } from "../../src/executor/child/reasons.ts";

test.each([
  ['Requires write access to "/a", run again with the --allow-write flag', "allow.write"],
  ['Requires net access to "a:1", run again with the --allow-net flag', "allow.net"],
  ['Requires env access to "A", run again with the --allow-env flag', "allow.env"],
  ["Requires env access, run again with the --allow-env flag", "Deno's Command"],
  ['Requires sys access to "hostname", run again with the --allow-sys flag', "no action"],
])("%s: the reason speaks of %s, and of no flag of the runtime", (said, advice) => {
  const stack = `NotCapable: ${said}\n    at run (x.ts:1:2)`;
  expect(reworded(stack)).toContain(advice);
  expect(reworded(stack)).toMatch(/^NotCapable: Requires \w+ access.*\n {4}at run/);
  expect(reworded(stack)).not.toContain("--allow");
});

test("a text without a missing permission stays as it is", () => {
  expect(reworded("Error: run again with care")).toBe("Error: run again with care");
});
