/** The commands and handlers of docs/receipts.md and docs/actions.md, typed where they can work. */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { Daemon, openexec } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { testWith } from "../support/tools.ts";
import { ROOT } from "../walkthroughs/checkout.ts";
import { blocksOf } from "./markdown.ts";

const blocks = (document: string, language: string) =>
  blocksOf(Deno.readTextFileSync(join(ROOT, document)))
    .filter((block) => block.language === language).map(({ text }) => text);

/** Types `line` in `folder`, and fails where it does. Returns what it printed. */
async function type(line: string, folder: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-e", "-c", line],
    cwd: folder,
    env: { PATH: `${ROOT}/bin:${Deno.env.get("PATH") ?? ""}`, NO_COLOR: "1" },
  }).output();
  const printed = new TextDecoder().decode(stdout);
  expect(success, `${line}\n${printed}${new TextDecoder().decode(stderr)}`).toBe(true);
  return printed;
}

describe("docs/receipts.md", () => {
  const alice = new Approver("alice");
  const lines = blocks("docs/receipts.md", "sh");
  let daemon: Daemon;

  beforeAll(async () => {
    daemon = await Daemon.start({
      config:
        `executor_id = "openexec:test"\n${alice.toml()}\n[actions.echo]\nmodule = "builtin:echo"\n`,
    });
    const asked = request("echo", { msg: "hello" });
    await call(daemon.socket, "POST", "/execute", alice.approve(asked));
    const { stdout } = await openexec(daemon, ["show", "--json", asked.nonce]);
    Deno.writeTextFileSync(join(daemon.directory, "receipt.json"), stdout);
    Deno.copyFileSync(
      join(daemon.directory, "state/executor.pub"),
      join(daemon.directory, "executor.pub"),
    );
    Deno.symlinkSync(join(ROOT, "examples"), join(daemon.directory, "examples"));
  }, 60_000);
  afterAll(() => daemon.close());

  testWith("node")("each command checks the receipt of what it names", async () => {
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(await type(line, daemon.directory), line).toMatch(/^(ok|passed) /m);
    }
  });

  testWith("node")("and fails for another payload", async () => {
    for (const line of lines) {
      const other = line.replace('"msg":"hello"', '"msg":"other"');
      expect(other).not.toBe(line);
      await expect(type(other, daemon.directory), line).rejects.toThrow();
    }
  });
});

describe("docs/actions.md", () => {
  const handlers = blocks("docs/actions.md", "ts");
  let folder: string;
  beforeAll(() => folder = Deno.makeTempDirSync({ prefix: "openexec-actions-" }));
  afterAll(() => Deno.removeSync(folder, { recursive: true }));
  const write = (text: string) => Deno.writeTextFileSync(join(folder, "greet.ts"), text);
  const [first = "", second = "", third = ""] = handlers;
  const imports = first.split("\n").filter((line) => line.startsWith("import ")).join("\n");
  const run = 'openexec test-action greet.ts --payload \'{"name":"Ada"}\'';

  test("its commands run and pin the first handler", async () => {
    write(first);
    const [lines = ""] = blocks("docs/actions.md", "sh");
    const printed = await type(lines, folder);
    expect(printed).toContain("Hello, Ada");
    expect(printed).toMatch(/sha256:[0-9a-f]{64}/);
  });

  test("the handler that people and models read about runs", async () => {
    write(`${imports}\n${second}`);
    expect(await type(run, folder)).toContain("Hello, Ada");
  });

  test("the failure with a reason is told as it stands there", async () => {
    const [line = "", ...rest] = third.split("\n");
    const body = rest.filter((each) => !each.startsWith("//")).join("\n");
    expect(body).toContain("answer.status === 402");
    write(`${line}
import * as v from "valibot";
export default defineAction({
  input: v.object({ name: v.string() }),
  output: v.string(),
  run: () => {
    const answer = { status: 402 };
    ${body}
    return "charged";
  },
});
`);
    const printed = await type(`! ${run} 2>&1`, folder);
    expect(printed).toContain("the card was declined");
    expect(printed).not.toContain("charged");
  });

  test("no handler of it is left out", () => expect(handlers).toHaveLength(3));
});
