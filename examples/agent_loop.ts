/**
 * A tool-call loop in the manner of OpenAI's chat completions, whose tools run behind openexec.
 *
 *     scripts/deno run -A examples/agent_loop.ts SOCKET CONVERSATION
 *
 * The model proposes, a person approves, the daemon runs what was approved. The loop holds no key
 * and keeps nothing: a proposal waits in the daemon. Killed and started again for the same
 * CONVERSATION it makes no second proposal, because each call is proposed under a nonce of its own.
 * The model is a scripted stand-in; in its place stands a call of your provider's API.
 */

import process from "node:process";
import { isUndecided, OpenExecClient, OpenExecError, outcomeOf } from "openexec/client";

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

/** What a model is told: the result, or why there is none and whether anything may have happened. */
async function call(
  client: OpenExecClient,
  conversation: string,
  { id, function: tool }: ToolCall,
): Promise<string> {
  say(`the model proposes ${tool.name} ${tool.arguments}`);
  try {
    // the call's own nonce: proposed again, it is the same proposal
    const nonce = `${conversation}/${id}`;
    const proposed = await client.propose(tool.name, JSON.parse(tool.arguments), {
      nonce,
      reason: `asked in conversation ${conversation}`,
    });
    if (isUndecided(proposed)) say(`waiting for an approver: proposal ${proposed.id}`);
    const execution = outcomeOf(await client.waitFor({ proposal: proposed.id }));
    say(`it ran: ${execution.status}, receipt ${execution.log_index}`);
    return JSON.stringify(execution.result);
  } catch (error) {
    if (error instanceof SyntaxError) return JSON.stringify({ error: "the arguments are no JSON" });
    if (!(error instanceof OpenExecError)) throw error;
    const { code, detail, effect, retry } = error;
    say(`it ended with ${code}`);
    return JSON.stringify({ error: code, detail, effect, retry });
  }
}

async function converse(
  client: OpenExecClient,
  conversation: string,
  model: Model,
  question: string,
) {
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
        content: await call(client, conversation, one),
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

const [socketPath, conversation] = process.argv.slice(2);
if (socketPath === undefined || conversation === undefined) {
  throw new Error("usage: agent_loop.ts SOCKET CONVERSATION");
}
const client = new OpenExecClient({ socketPath });
say(`${await converse(client, conversation, scripted, "Please leave a note.")}`);
client.close();
