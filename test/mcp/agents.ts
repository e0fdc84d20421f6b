/** Agents on the official client, in each era of the protocol, and what a reviewer sees of them. */

import { isDeepStrictEqual } from "node:util";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { Desk } from "../e2e/desk.ts";
import { OPENEXEC } from "../support/daemon.ts";
import { until } from "../support/until.ts";

export type Era = "2025-11-25" | "2026-07-28";

export interface Answer {
  readonly text: string;
  readonly isError: boolean;
  readonly proposal: Readonly<Record<string, unknown>>;
}

export class McpAgent implements AsyncDisposable {
  readonly #client: Client;
  readonly #transport: StdioClientTransport;
  readonly progress: string[] = [];

  private constructor(era: Era, transport: StdioClientTransport) {
    const pinned = { versionNegotiation: { mode: { pin: era } } };
    const info = { name: "test", version: "1" };
    this.#client = new Client(info, era === "2025-11-25" ? {} : pinned);
    this.#transport = transport;
  }

  static async start(desk: Desk, era: Era, args: readonly string[] = []): Promise<McpAgent> {
    const transport = new StdioClientTransport({
      command: OPENEXEC,
      args: ["mcp", "--socket", desk.socket("agent"), ...args],
    });
    const agent = new McpAgent(era, transport);
    await agent.#client.connect(transport);
    return agent;
  }

  get era(): string | undefined {
    return this.#client.getNegotiatedProtocolVersion();
  }

  get pid(): number {
    return this.#transport.pid ?? 0;
  }

  async tools(): Promise<string[]> {
    return (await this.#client.listTools()).tools.map(({ name }) => name);
  }

  async call(name: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<Answer> {
    const result = await this.#client.callTool({ name, arguments: args }, {
      onprogress: ({ message }) => void this.progress.push(message ?? ""),
      ...(signal === undefined ? {} : { signal }),
    });
    const { content, structuredContent, isError = false } = JSON.parse(JSON.stringify(result));
    return { text: content[0].text, isError, proposal: structuredContent };
  }

  /** Ends its process without a word, and does not wait. */
  kill(): void {
    Deno.kill(this.pid, "SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

/** Waits until a request with these arguments waits for a decision, and returns its id. */
export async function pendingOf(desk: Desk, payload: object): Promise<string> {
  let id: unknown;
  await until(async () => {
    const { json } = await desk.review("GET", "/proposals?status=pending");
    const proposals: { id: string; payload: unknown }[] = json.proposals;
    id = proposals.find((known) => isDeepStrictEqual(known.payload, payload))?.id;
    return id !== undefined;
  });
  return String(id);
}

/** Waits until the agent's process has noted that the end was told. */
export async function delivered(desk: Desk, id: unknown): Promise<void> {
  await until(async () => (await desk.agent("GET", `/proposals/${id}`)).json.delivered === true);
}
