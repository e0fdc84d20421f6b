/**
 * `npm run agents:codex`: the real Codex, on a scripted model, proposes over `openexec mcp`.
 *
 * Three scenes: a call that is approved after 90 s, one that is declined, and one whose client is
 * killed and comes back. It installs Codex into a temporary folder, needs the npm registry and a few
 * minutes, and prints the transcript of docs/agents-transcript.md.
 */

import { join } from "node:path";
import { sleep } from "../../src/core/wait.ts";
import { Desk } from "../e2e/desk.ts";
import { pendingOf } from "../mcp/agents.ts";
import { OPENEXEC } from "../support/daemon.ts";
import { ScriptedModel } from "./scripted_model.ts";

const CODEX = "@openai/codex@0.171.0";
const PORT = 8931;
const WAIT_MS = 90_000;

const folder = await Deno.makeTempDir({ prefix: "openexec-codex-" });
const desk = await Desk.start();

function print(text: string): void {
  const shown = text.replaceAll(OPENEXEC, "openexec").replaceAll(desk.directory, "DIR");
  Deno.stdout.writeSync(new TextEncoder().encode(`${shown}\n`));
}

function configure(): void {
  const args = JSON.stringify(["mcp", "--socket", desk.socket("agent")]);
  const config = `model = "scripted"
model_provider = "scripted"
approval_policy = "never"
[model_providers.scripted]
name = "scripted"
base_url = "http://127.0.0.1:${PORT}/v1"
wire_api = "responses"
requires_openai_auth = false
[mcp_servers.openexec]
command = "${OPENEXEC}"
args = ${args}
default_tools_approval_mode = "approve"
`;
  Deno.mkdirSync(join(folder, "home"));
  Deno.writeTextFileSync(join(folder, "home/config.toml"), config);
  print(`~/.codex/config.toml:\n\n${config.replace(/^/gm, "    ")}`);
}

/** One run of `codex exec`, in a session of its own, so that it can be killed as a whole. */
function codex(): Deno.ChildProcess {
  const program = join(folder, "node_modules/.bin/codex");
  return new Deno.Command("setsid", {
    args: [program, "exec", "--skip-git-repo-check", "do it"],
    cwd: folder,
    env: { CODEX_HOME: join(folder, "home") },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function scene(
  title: string,
  label: string,
  play: (payload: Record<string, string>, model: ScriptedModel) => Promise<void>,
  expected: number,
): Promise<void> {
  const payload = desk.held(label);
  desk.letGo(label);
  print(`## ${title}\n`);
  const model = await ScriptedModel.start("hold", payload, PORT);
  const startedAt = performance.now();
  await play(payload, model);
  await model.close();
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  for (const note of model.notes) print(`- the model ${note}`);
  print(`- runs of the handler, after ${seconds} s: ${desk.starts(label)}\n`);
  if (desk.starts(label) !== expected) throw new Error(`${title}: ${desk.starts(label)} runs`);
}

try {
  Deno.writeTextFileSync(join(folder, "package.json"), "{}");
  const install = new Deno.Command("npm", { args: ["install", "--silent", CODEX], cwd: folder });
  if (!(await install.output()).success) throw new Error("Codex could not be installed");
  print(`# Codex over MCP: a transcript\n\nMade by \`npm run agents:codex\` with ${CODEX}.\n`);
  configure();
  await scene("Approved after 90 s", "approved", async (payload) => {
    const run = codex();
    const id = await pendingOf(desk, payload);
    await sleep(WAIT_MS);
    await desk.approve(id);
    await run.status;
  }, 1);
  await scene("Declined", "declined", async (payload) => {
    const run = codex();
    await desk.decline(await pendingOf(desk, payload), "not on a Friday");
    await run.status;
  }, 0);
  await scene("Its client is killed, and comes back", "killed", async (payload, model) => {
    const first = codex();
    const id = await pendingOf(desk, payload);
    Deno.kill(-first.pid, "SIGKILL");
    await first.status;
    await desk.approve(id);
    // it may find its own files locked by the one that was killed
    while (!model.wasTold) await codex().status;
  }, 1);
  print(`The audit of the ledger ends with ${(await desk.audit()).code}.`);
} finally {
  await desk[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
}
