/**
 * A model that does what a test says, behind OpenAI's Responses API: it calls one tool, waits on
 * with openexec_wait while the answer is pending, and then says what it was told.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

interface Offered {
  readonly name: string;
  readonly namespace: string | null;
}

export class ScriptedModel {
  /** What it did and was told, in order. */
  readonly notes: string[] = [];
  #calls = 0;
  readonly #server: Server;

  private constructor(
    private readonly tool: string,
    private readonly args: Readonly<Record<string, unknown>>,
  ) {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(tool: string, args: Readonly<Record<string, unknown>>, port: number) {
    const model = new ScriptedModel(tool, args);
    await new Promise<void>((resolve) => model.#server.listen(port, "127.0.0.1", resolve));
    return model;
  }

  /** Whether a call of it was answered. */
  get wasTold(): boolean {
    return this.notes.some((note) => note.startsWith("is told"));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += chunk;
    if (request.method !== "POST") return void response.writeHead(200).end('{"models":[]}');
    const { tools = [], input = [] } = JSON.parse(body);
    const item = this.#turn(offeredIn(tools), input.at(-1));
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const id = `response_${this.#calls}`;
    const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    const events = [
      ["response.created", { response: { id } }],
      ["response.output_item.done", { output_index: 0, item }],
      ["response.completed", { response: { id, usage } }],
    ] as const;
    for (const [type, rest] of events) {
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`);
    }
    response.end();
  }

  #turn(offered: readonly Offered[], last: { type?: string; output?: unknown } | undefined) {
    if (last?.type !== "function_call_output") return this.#call(offered, this.tool, this.args);
    const said = String(last.output);
    const start = said.indexOf("{");
    const end = start + 400 < said.length ? said.lastIndexOf(',"', start + 400) : said.length;
    this.notes.push(`is told: ${said.slice(start, end)} …`);
    const [, proposal] = /"id":"([0-9a-f-]{36})"/.exec(said) ?? [];
    return said.includes('"status":"pending"')
      ? this.#call(offered, "openexec_wait", { proposal })
      : message("Done.");
  }

  #call(offered: readonly Offered[], name: string, args: object) {
    const tool = offered.find((known) => known.name === name);
    if (tool === undefined) return message(`There is no tool ${name}.`);
    this.notes.push(`calls ${name} ${JSON.stringify(args)}`);
    const id = `call_${++this.#calls}`;
    const namespace = tool.namespace === null ? {} : { namespace: tool.namespace };
    const call = { type: "function_call", id, call_id: id, name, ...namespace };
    return { ...call, arguments: JSON.stringify(args) };
  }
}

interface WireTool {
  readonly type: string;
  readonly name?: string;
  readonly tools?: readonly WireTool[];
}

function offeredIn(tools: readonly WireTool[], namespace: string | null = null): Offered[] {
  return tools.flatMap(({ type, name = type, tools: inside }) =>
    type === "namespace" ? offeredIn(inside ?? [], name) : [{ name, namespace }]
  );
}

function message(text: string) {
  return {
    type: "message",
    id: "message",
    role: "assistant",
    content: [{ type: "output_text", text }],
  };
}
