/**
 * `npm run demo`: the main job in one tour, on a real daemon in a folder of its own. Every line is
 * checked before it is told, and the first one that is not as told ends the tour with exit code 1.
 */

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { parseApproverKey } from "../src/client/approver_key.ts";
import {
  isUndecided,
  keySigner,
  OpenExecClient,
  OpenExecError,
  outcomeOf,
  parsePublicKey,
  Reviewer,
  verifyReceipt,
} from "../src/client/mod.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const home = await Deno.makeTempDir({ prefix: "openexec-demo-" });
const write = (text: string) => Deno.stdout.write(new TextEncoder().encode(text));

let step = 0;
async function tell(line: string, told: () => boolean | Promise<boolean>): Promise<void> {
  step += 1;
  await write(`${String(step).padStart(2)}. ${line} … `);
  if (!await told()) throw new Error("this is not what happened");
  await write("yes\n");
}

/** The code an attempt is refused with, or "none". */
async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "none";
  } catch (error) {
    if (error instanceof OpenExecError) return error.code;
    throw error;
  }
}

const daemon = new Deno.Command(`${ROOT}bin/openexec`, {
  args: ["serve"],
  clearEnv: true,
  env: {
    PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
    HOME: home,
    XDG_RUNTIME_DIR: `${home}/run`,
    XDG_STATE_HOME: `${home}/state`,
  },
  stdin: "null",
  stdout: "piped",
  stderr: "null",
}).spawn();

/** Everything the daemon prints until it says it is ready. */
async function startUp(): Promise<string> {
  let printed = "";
  for await (const text of daemon.stdout.pipeThrough(new TextDecoderStream())) {
    printed += text;
    if (/^ready\b/m.test(printed)) return printed;
  }
  throw new Error(`the daemon did not start:\n${printed}`);
}

/** Calls a tool over MCP, has a reviewer sign what it proposes, and returns the agent's answer. */
async function proposedOverMcp(
  socketPath: string,
  reviewer: Reviewer,
  signer: Parameters<Reviewer["approve"]>[1],
): Promise<string> {
  const agent = new Client({ name: "demo", version: "1" });
  const command = { command: `${ROOT}bin/openexec`, args: ["mcp", "--socket", socketPath] };
  await agent.connect(new StdioClientTransport(command));
  try {
    const called = agent.callTool({ name: "add", arguments: { a: 20, b: 22 } });
    let waiting;
    while ((waiting = (await reviewer.waiting()).at(0)) === undefined);
    await reviewer.approve(await reviewer.get(waiting.id), signer);
    return JSON.stringify(await called);
  } finally {
    await agent.close();
  }
}

async function tour(): Promise<void> {
  const printed = await startUp();
  const socketPath = /^listening on (\S+)/m.exec(printed)?.[1] ?? "";
  const reviewPath = /^listening on (\S+) \(approver\)/m.exec(printed)?.[1] ?? "";
  const client = new OpenExecClient({ socketPath });
  const key = parseApproverKey(await Deno.readTextFile(`${home}/state/openexec/approver.key`));
  if (key === undefined) throw new Error("the approver's key cannot be read");

  await tell("a daemon of its own listens on a Unix socket that only this user can open", () => {
    return ((Deno.statSync(socketPath).mode ?? 0) & 0o777) === 0o600;
  });

  const asked = await client.propose("echo", { msg: "hello" }, { nonce: "demo", reason: "hi" });
  await tell('an agent proposes echo {"msg":"hello"}, and it waits for an approver', () => {
    return isUndecided(asked);
  });

  await tell("proposed again under its nonce it is the same proposal", async () => {
    return (await client.propose("echo", { msg: "hello" }, { nonce: "demo" })).id === asked.id;
  });

  const reviewer = new Reviewer({ socketPath: reviewPath });
  const signer = { ...keySigner(key), name: key.name ?? "development" };
  await tell("an approver looks at it, and signs exactly what was shown: it runs", async () => {
    await reviewer.approve(await reviewer.get(asked.id), signer);
    const { result } = outcomeOf(await client.waitFor({ proposal: asked.id }));
    return JSON.stringify(result) === '{"msg":"hello"}';
  });

  await tell("another one is declined: the agent is told why, and that nothing ran", async () => {
    const { id } = await client.propose("add", { a: 2, b: 2 });
    await reviewer.decline(await reviewer.get(id), signer, "I can add");
    const { decline, problem } = await client.waitFor({ proposal: id });
    return decline?.reason === "I can add" && problem?.effect === "none";
  });

  const request = client.request("echo", { msg: "hello" });
  await tell(
    'a request for echo {"msg":"hello"} that is sent without an approval is refused',
    async () => {
      return await refusal(client.execute(request)) === "approval_missing";
    },
  );

  const approved = await client.approve(request, key);
  const execution = await client.execute(approved);
  await tell("an approver signs exactly this action, payload and nonce: it runs", () => {
    return execution.status === "succeeded" && !execution.replayed &&
      JSON.stringify(execution.result) === '{"msg":"hello"}';
  });

  await tell(
    "the same request again: answered from the ledger, not run a second time",
    async () => {
      const again = await client.execute(approved);
      return again.replayed && again.id === execution.id;
    },
  );

  await tell("the same approval under a new nonce: refused (approval_nonce_mismatch)", async () => {
    return await refusal(client.execute({ ...approved, nonce: crypto.randomUUID() })) ===
      "approval_nonce_mismatch";
  });

  await tell(
    "the same approval for a changed payload: refused (approval_action_mismatch)",
    async () => {
      const other = { ...approved, nonce: crypto.randomUUID(), payload: { msg: "goodbye" } };
      return await refusal(client.execute(other)) === "approval_action_mismatch";
    },
  );

  await tell(
    "five callers race with one approved nonce: one of them runs, four get its outcome",
    async () => {
      const raced = await client.approve(client.request("add", { a: 2, b: 3 }), key);
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => client.execute(raced)));
      const ran = outcomes.filter(({ replayed }) => !replayed);
      return ran.length === 1 && new Set(outcomes.map(({ id }) => id)).size === 1;
    },
  );

  await tell("an agent proposes over MCP, a reviewer signs, and the agent is told 42", async () => {
    const told = await proposedOverMcp(socketPath, reviewer, signer);
    return told.includes('{\\"result\\":42}');
  });
  reviewer.close();

  const executorKey = parsePublicKey(
    (await Deno.readTextFile(`${home}/state/openexec/executor.pub`)).trim(),
  );
  const executorKeys = executorKey === undefined ? [] : [executorKey];
  const receipt = JSON.stringify(await client.receipt(execution.log_index ?? -1));
  client.close();
  daemon.kill("SIGTERM");
  await tell("the daemon drains at SIGTERM and ends with exit code 0", async () => {
    return (await daemon.status).code === 0;
  });

  await tell("its receipt verifies offline: signature, log inclusion, checkpoint", () => {
    return verifyReceipt(receipt, { executorKeys }).ok;
  });

  await tell("one changed byte in the receipt, and it does not", () => {
    const forged = receipt.replace(
      /"payload":"(.)/,
      (_, first) => `"payload":"${first === "e" ? "f" : "e"}`,
    );
    return !verifyReceipt(forged, { executorKeys }).ok;
  });
}

try {
  await tour();
  await write("\nThat is all of it: proposed, approved, run once, witnessed.\n");
} catch (error) {
  await write(`NO\n\n${error instanceof Error ? error.message : String(error)}\n`);
  Deno.exitCode = 1;
} finally {
  try {
    daemon.kill("SIGKILL");
  } catch {
    // it ended by itself
  }
  await daemon.status;
  await Deno.remove(home, { recursive: true });
}
