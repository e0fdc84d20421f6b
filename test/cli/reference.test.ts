import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { cliReference, manualPage } from "../../scripts/cli_reference.ts";
import { commandModels } from "../../scripts/command_model.ts";
import { commandTree } from "../../src/cli/commands.ts";
import { systemContext } from "../../src/cli/context.ts";
import { testWith } from "../support/tools.ts";

const commands = commandModels(await commandTree(systemContext()));
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("the command line's reference", () => {
  test("docs/cli.md is what the command tree says", () =>
    expect(read("docs/cli.md")).toBe(cliReference()));

  test("the manual page is what the command tree says", () => {
    expect(read("docs/openexec.1")).toBe(manualPage());
  });

  test("names every command and every option", () => {
    for (const { name, options } of commands) {
      expect(cliReference()).toContain(`## openexec ${name}`);
      for (const { flags } of options) expect(cliReference()).toContain(`\`${flags}\``);
    }
  });

  test("explains every command, argument and option", () => {
    for (const { summary, options, arguments: operands } of commands) {
      for (
        const text of [
          summary,
          ...[...options, ...operands].map(({ description }) => description),
        ]
      ) {
        expect(text).not.toBe("");
      }
    }
  });

  testWith("groff")("the manual page is sound", () => {
    const warnings = execFileSync("sh", ["-c", "groff -man -Tutf8 -ww -z 2>&1"], {
      encoding: "utf8",
      input: manualPage(),
    });
    expect(warnings).toBe("");
  });
});
