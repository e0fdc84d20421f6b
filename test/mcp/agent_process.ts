/** `openexec mcp` as an agent starts it, spoken to in bytes. */

import { OPENEXEC } from "../support/daemon.ts";

type Message = Record<string, unknown>;

/** The lines of a process that speaks MCP; every one has to be a JSON-RPC message. */
export class RawAgent {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<Message>;
  readonly errors: Promise<string>;

  /** `program` is another copy of bin/openexec, or the single file. */
  constructor(
    socket: string,
    args: readonly string[] = [],
    program = OPENEXEC,
    env: Record<string, string> = {},
  ) {
    this.#process = new Deno.Command(program, {
      args: ["mcp", "--socket", socket, ...args],
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#lines = messagesOf(this.#process.stdout);
    this.errors = new Response(this.#process.stderr).text();
  }

  get pid(): number {
    return this.#process.pid;
  }

  async write(text: string | Uint8Array): Promise<void> {
    await this.#writer.write(typeof text === "string" ? new TextEncoder().encode(text) : text);
  }

  /** Sends a message and does not wait. */
  send(message: Message): Promise<void> {
    return this.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }

  /** The next message. Throws where the process has ended. */
  async next(): Promise<Message> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`it ended:\n${await this.errors}`);
    return value;
  }

  /** The answer to that request; others are passed over. */
  async answerTo(id: unknown): Promise<Message> {
    for (;;) {
      const message = await this.next();
      if (message["id"] === id && !("method" in message)) return message;
    }
  }

  /** Opens the session as clients of 2025-11-25 do. */
  async initialize(): Promise<Message> {
    await this.send({
      id: "initialize",
      method: "initialize",
      params: {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "raw", version: "1" },
      },
    });
    const answer = await this.answerTo("initialize");
    await this.send({ method: "notifications/initialized" });
    return answer;
  }

  call(id: unknown, name: string, args: unknown): Promise<void> {
    return this.send({ id, method: "tools/call", params: { name, arguments: args } });
  }

  kill(signal: Deno.Signal = "SIGKILL"): void {
    this.#process.kill(signal);
  }

  /** Closes its input, as an agent that ends does, and waits for its exit code. */
  async end(): Promise<number> {
    await this.#writer.close().catch(() => {});
    return (await this.#process.status).code;
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }
}

async function* messagesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const message: Message = JSON.parse(line);
      if (message["jsonrpc"] !== "2.0") throw new Error(`no message: ${line}`);
      yield message;
    }
  }
}
