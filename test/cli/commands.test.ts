import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commandTree } from "../../src/cli/commands.ts";
import { systemContext } from "../../src/cli/context.ts";
import { program } from "../../src/os/program.ts";
import { FakeDaemon } from "../client/fake_daemon.ts";
import { openexec } from "./recording_terminal.ts";

let daemon: FakeDaemon;
beforeEach(async () => void (daemon = await FakeDaemon.start()));
afterEach(() => daemon[Symbol.asyncDispose]());

const here = () => ["--socket", daemon.socketPath];

const names = (await commandTree(systemContext())).commands.map((command) => command.name());

describe("every command", () => {
  test.each(names)("%s has --help, and prints it with 0", async (name) => {
    const { code, out, err } = await openexec([name, "--help"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(`Usage: openexec ${name}`);
    expect(out).toContain("--json");
  });

  test.each(["-V", "--version"])("%s prints the version, with 0", async (flag) => {
    expect(await openexec([flag])).toMatchObject({ code: 0, out: `${program.version}\n`, err: "" });
  });

  test.each([[["nonsense"]], [["list", "--nonsense"]], [["show"]], [["list", "--limit", "x"]], [[
    "serve",
    "--mode",
    "x",
  ]], [[]]])(
    "%j is a usage error, 2",
    async (argv) =>
      expect((await openexec([...argv, ...(argv[0] === "list" ? here() : [])])).code).toBe(2),
  );
});
