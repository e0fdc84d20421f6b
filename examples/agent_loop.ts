/**
 * A tool-call loop in the manner of OpenAI's chat completions, whose tools run behind openexec.
 *
 *     scripts/deno run -A examples/agent_loop.ts SOCKET INBOX
 *
 * The model proposes, a person approves, the daemon runs what was approved. The loop holds no key: it puts each proposal
 * into the folder INBOX and waits until somebody puts the approved request beside it. The model is a scripted stand-in; in
 * its place stands a call of your provider's API.
 */

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import {
  type ExecutionRequest,
  OpenExecClient,
  OpenExecError,
  parseRequest,
} from "openexec/client";

interface ToolCall {
  readonly id: string;
  readonly type: "function";
  /** `arguments` is JSON text, as models write it. */
  readonly function: { readonly name: string; readonly arguments: string };
}

type Message =
  | { readonly role: "user"; readonly content: string }
  | {
    readonly role: "assistant";
    readonly content: string | null;
    readonly tool_calls?: readonly ToolCall[];
  }
  | { readonly role: "tool"; readonly tool_call_id: string; readonly content: string };

interface Tool {
  readonly type: "function";
  readonly function: { readonly name: string; readonly parameters: unknown };
}

type Model = (messages: readonly Message[], tools: readonly Tool[]) => Promise<Message>;

/** What may be asked for, as the daemon says it: names and JSON Schemas. */
async function toolsOf(client: OpenExecClient): Promise<Tool[]> {
  const actions = await client.actions();
  return actions.map((action) => ({
    type: "function",
    function: { name: action.name, parameters: action["input_schema"] },
  }));
}

/** Resolves with the request as somebody approved it, or undefined when somebody declined. */
async function approvalOf(request: ExecutionRequest, inbox: string, name: string) {
  const path = (state: string) => join(inbox, `${name}.${state}`);
  writeFileSync(path("draft"), JSON.stringify(request));
  renameSync(path("draft"), path("request")); // whoever sees it sees all of it
  say(`waiting for ${name}.approved or ${name}.declined`);
  for (;; await setTimeout(100)) {
    if (existsSync(path("declined"))) return undefined;
    const text = existsSync(path("approved")) ? readFileSync(path("approved"), "utf8") : "";
    if (text.endsWith("\n")) return parseRequest(text); // a shell makes the file before it fills it
  }
}

/** What a model is told: the result, or why there is none and whether anything may have happened. */
async function call(
  client: OpenExecClient,
  inbox: string,
  { id, function: tool }: ToolCall,
): Promise<string> {
  say(`the model proposes ${tool.name} ${tool.arguments}`);
  try {
    const request = client.request(tool.name, JSON.parse(tool.arguments));
    const approved = await approvalOf(request, inbox, id);
    if (approved === undefined) return JSON.stringify({ error: "declined", effect: "none" });
    const execution = await client.execute(approved);
    say(`it ran: ${execution.status}, receipt ${execution.log_index}`);
    return JSON.stringify(execution.result);
  } catch (error) {
    if (error instanceof SyntaxError) return JSON.stringify({ error: "the arguments are no JSON" });
    if (!(error instanceof OpenExecError)) throw error;
    say(`it ended with ${error.code}`);
    return JSON.stringify({ error: error.code, effect: error.effect, retry: error.retry });
  }
}

async function converse(client: OpenExecClient, inbox: string, model: Model, question: string) {
  const tools = await toolsOf(client);
  say(`tools: ${tools.map((tool) => tool.function.name).join(", ")}`);
  const messages: Message[] = [{ role: "user", content: question }];
  for (;;) {
    const answer = await model(messages, tools);
    messages.push(answer);
    const calls = answer.role === "assistant" ? answer.tool_calls ?? [] : [];
    if (calls.length === 0) return answer.content;
    for (const one of calls) {
      messages.push({
        role: "tool",
        tool_call_id: one.id,
        content: await call(client, inbox, one),
      });
    }
  }
}

/** The stand-in: asks for a note once, then says what it was told. */
const scripted: Model = (messages) => {
  const told = messages.findLast((message) => message.role === "tool");
  if (told !== undefined) {
    return Promise.resolve({ role: "assistant", content: `The tool said ${told.content}.` });
  }
  const note = { name: "from_the_model", text: "The model proposed this, a person approved it." };
  const tool: ToolCall = {
    id: "call_1",
    type: "function",
    function: { name: "write_note", arguments: JSON.stringify(note) },
  };
  return Promise.resolve({ role: "assistant", content: null, tool_calls: [tool] });
};

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const [socketPath, inbox] = process.argv.slice(2);
if (socketPath === undefined || inbox === undefined) {
  throw new Error("usage: agent_loop.ts SOCKET INBOX");
}
const client = new OpenExecClient({ socketPath });
say(`${await converse(client, inbox, scripted, "Please leave a note.")}`);
client.close();
