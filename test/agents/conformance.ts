/**
 * `npm run agents:conformance`: the protocol's own conformance suite against `openexec mcp`.
 *
 * The suite speaks Streamable HTTP, so a bridge of a few lines carries its messages to standard
 * input. Most of its scenarios ask for tools, prompts and resources of a test server; those that a
 * server of tools alone can be asked for are run. It is installed into a temporary folder.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { program } from "../../src/os/program.ts";
import { Daemon } from "../support/daemon.ts";
import { RawAgent } from "../mcp/agent_process.ts";

const SUITE = "@modelcontextprotocol/conformance@0.1.16";
const SCENARIOS = ["server-initialize", "ping", "tools-list"];
const PORT = 8930;

type Message = Record<string, unknown>;

/** Carries messages between HTTP and one process that reads and writes lines. */
async function bridge(agent: RawAgent): Promise<{ close: () => void }> {
  const waiting = new Map<unknown, (message: Message) => void>();
  void (async () => {
    for (;;) {
      const message = await agent.next();
      waiting.get(message["id"])?.(message);
      waiting.delete(message["id"]);
    }
  })().catch(() => {});
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const chunk of request) body += chunk;
    if (request.method !== "POST") return void response.writeHead(405).end();
    const message: Message = JSON.parse(body);
    const answered = message["id"] === undefined
      ? null
      : new Promise<Message>((resolve) => waiting.set(message["id"], resolve));
    await agent.write(`${body}\n`);
    if (answered === null) return void response.writeHead(202).end();
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(await answered));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(PORT, "127.0.0.1", resolve));
  return { close: () => server.close() };
}

async function run(command: string, args: readonly string[], cwd: string): Promise<boolean> {
  const child = new Deno.Command(command, { args: [...args], cwd }).spawn();
  return (await child.status).success;
}

const folder = await Deno.makeTempDir({ prefix: "openexec-conformance-" });
const daemon = await Daemon.start();
const failed: string[] = [];
try {
  await Deno.writeTextFile(`${folder}/package.json`, "{}");
  if (!await run("npm", ["install", "--silent", SUITE], folder)) Deno.exit(1);
  const suite = `${folder}/node_modules/@modelcontextprotocol/conformance/dist/index.js`;
  for (const scenario of SCENARIOS) {
    const agent = new RawAgent(daemon.socket);
    const http = await bridge(agent);
    const url = `http://127.0.0.1:${PORT}/mcp`;
    const args = [
      "run",
      "-A",
      "--quiet",
      "--node-modules-dir=manual",
      suite,
      "server",
      "--url",
      url,
      "--scenario",
      scenario,
    ];
    if (!await run(program.runtime, args, folder)) failed.push(scenario);
    http.close();
    await agent.end();
  }
} finally {
  await daemon.close();
  await Deno.remove(folder, { recursive: true });
}
if (failed.length > 0) {
  await Deno.stderr.write(new TextEncoder().encode(`failed: ${failed.join(", ")}\n`));
  Deno.exitCode = 1;
}
