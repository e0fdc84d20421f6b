import { expect, test } from "vitest";
import { argumentsOf, plainServeFlags } from "../../src/cli/serve_flags.ts";

test.each([
  [[]],
  [["--config", "a.toml"]],
  [["--mode", "demo", "--socket", "a b", "--state", "/s"]],
  [["--config", ""]],
])("serve %j is plain, and is said again by the same arguments", (args) => {
  const flags = plainServeFlags(["serve", ...args]);
  expect(argumentsOf(flags ?? {})).toEqual(args);
  expect(flags).toBeDefined();
});

test.each([
  [[]],
  [["status"]],
  [["--config", "serve"]],
  [["serve", "--help"]],
  [["serve", "--json"]],
  [["serve", "--config"]],
  [["serve", "--config=a.toml"]],
  [["serve", "--config", "--mode"]],
  [["serve", "--config", "a", "--config", "b"]],
  [["serve", "--mode", "lenient"]],
  [["serve", "--socket", "a", "more"]],
  [["serve", "--sock", "a"]],
])("%j is for the parser", (args) => {
  expect(plainServeFlags(args)).toBeUndefined();
});
