import { afterEach, beforeEach, expect, test } from "vitest";
import type { Permissions } from "../../src/config/config.ts";
import { NO_PERMISSIONS, unreachable } from "../../src/executor/permissions.ts";

let folder: string;
beforeEach(async () => void (folder = await Deno.makeTempDir({ prefix: "openexec-reach-" })));
afterEach(() => Deno.remove(folder, { recursive: true }));

const noted = (allow: Partial<Permissions>) => ({
  name: "note",
  allow: { ...NO_PERMISSIONS, ...allow },
});

test("what is there for this process is not spoken of", () => {
  Deno.writeTextFileSync(`${folder}/tool`, "", { mode: 0o755 });
  const paths = [folder];
  const allow = { read: paths, write: paths, run: [`${folder}/tool`], net: ["127.0.0.1:1"] };
  expect(unreachable([noted(allow)])).toEqual([]);
});

test.each<[keyof Permissions, string]>([
  ["read", "note may read"],
  ["write", "note may write"],
  ["run", "note may run"],
  ["unix", "note may connect to"],
])("a path of allow.%s that is missing is named, with the reason", (permission, words) => {
  const path = `${folder}/missing`;
  const [line, ...others] = unreachable([noted({ [permission]: [path] })]);
  expect(line).toMatch(new RegExp(`^${words} ${path}: No such file`));
  expect(others).toEqual([]);
});

test("a file that cannot be executed is no program", () => {
  Deno.writeTextFileSync(`${folder}/tool`, "", { mode: 0o644 });
  expect(unreachable([noted({ run: [`${folder}/tool`] })])).toEqual([
    expect.stringContaining("Permission denied"),
  ]);
});
