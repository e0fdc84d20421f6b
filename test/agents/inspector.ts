/**
 * `npm run agents:inspector`: the protocol's inspector lists the tools of `openexec mcp` and calls
 * one that a person approves, in both eras. It is installed into a temporary folder.
 */

import { join } from "node:path";
import { Desk } from "../e2e/desk.ts";
import { pendingOf } from "../mcp/agents.ts";
import { OPENEXEC } from "../support/daemon.ts";

const INSPECTOR = "@modelcontextprotocol/inspector@2.12.0";

const folder = await Deno.makeTempDir({ prefix: "openexec-inspector-" });
const desk = await Desk.start();

function inspector(era: string, args: readonly string[]): Deno.ChildProcess {
  const server = [OPENEXEC, "mcp", "--socket", desk.socket("agent")];
  return new Deno.Command(join(folder, "node_modules/.bin/mcp-inspector"), {
    args: ["--cli", "--protocol-era", era, ...server, ...args],
    cwd: folder,
    env: { HOME: folder },
    stdout: "piped",
  }).spawn();
}

async function expectIn(era: string, child: Deno.ChildProcess, text: string): Promise<void> {
  const { stdout } = await child.output();
  const said = new TextDecoder().decode(stdout);
  if (!said.includes(text)) throw new Error(`${era}: no ${text} in ${said}`);
  Deno.stdout.writeSync(new TextEncoder().encode(`${era}: ${text}\n`));
}

try {
  Deno.writeTextFileSync(join(folder, "package.json"), "{}");
  const install = new Deno.Command("npm", {
    args: ["install", "--silent", INSPECTOR],
    cwd: folder,
  });
  if (!(await install.output()).success) throw new Error("the inspector could not be installed");
  for (const era of ["legacy", "modern"]) {
    await expectIn(era, inspector(era, ["--method", "tools/list"]), '"openexec_wait"');
    const call = ["--method", "tools/call", "--tool-name", "echo", "--tool-arg", `era=${era}`];
    const called = inspector(era, call);
    await desk.approve(await pendingOf(desk, { era }));
    await expectIn(era, called, "Done, once");
  }
} finally {
  await desk[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
}
