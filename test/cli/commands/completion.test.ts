import { execFileSync } from "node:child_process";
import { describe, expect } from "vitest";
import { commandModels } from "../../../scripts/command_model.ts";
import { commandTree } from "../../../src/cli/commands.ts";
import { systemContext } from "../../../src/cli/context.ts";
import { testWith } from "../../support/tools.ts";
import { openexec } from "../recording_terminal.ts";

const commands = commandModels(await commandTree(systemContext()));
const names = commands.map(({ name }) => name);

async function scriptFor(shell: string): Promise<string> {
  return (await openexec(["completion", shell])).out;
}

/** What the shell completes `line` to, its cursor at the end. */
async function bash(line: string): Promise<string[]> {
  const words = line.split(" ");
  const program = `${await scriptFor("bash")}
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
    _openexec; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return lines(execFileSync("bash", ["--norc", "-c", program], { encoding: "utf8" }));
}

async function fish(line: string): Promise<string[]> {
  const program = `${await scriptFor("fish")}\ncomplete -C ${JSON.stringify(line)}`;
  const printed = execFileSync("fish", ["--no-config", "-c", program], { encoding: "utf8" });
  return lines(printed).map((candidate) => candidate.split("\t")[0] ?? "");
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

describe("completion", () => {
  testWith("bash")(
    "bash completes commands, options and choices, and leaves the rest to file names",
    async () => {
      expect(await bash("openexec ")).toEqual(expect.arrayContaining(names));
      expect(await bash("openexec app")).toEqual(["approve"]);
      expect(await bash("openexec approve --k")).toEqual(["--key", "--keyid"]);
      expect(await bash("openexec resolve x --as ")).toEqual(["succeeded", "failed"]);
      expect(await bash("openexec completion ")).toEqual(["bash", "zsh", "fish"]);
      expect(await bash("openexec approve --key ")).toEqual([]);
    },
  );

  testWith("fish")("fish completes the same", async () => {
    expect(await fish("openexec ")).toEqual(expect.arrayContaining(names));
    expect(await fish("openexec approve --k")).toEqual(["--key", "--keyid"]);
    expect((await fish("openexec resolve x --as ")).toSorted()).toEqual(["failed", "succeeded"]);
  });

  testWith("zsh")("zsh takes the script, and finds every command in it", async () => {
    const program = `autoload -Uz compinit; compinit -D; source /dev/stdin
      _describe() { print -l -- $commands }
      words=(openexec ''); CURRENT=2; _openexec
      _arguments() { print -l -- "$@" }
      words=(openexec approve ''); CURRENT=3; _openexec`;
    const printed = execFileSync("zsh", ["-f", "-c", program], {
      encoding: "utf8",
      input: await scriptFor("zsh"),
    });
    for (const { name, summary } of commands) expect(printed).toContain(`${name}:${summary}`);
    expect(printed).toContain("*--key[");
  });
});
