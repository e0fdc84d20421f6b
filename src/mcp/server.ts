/**
 * The server of the Model Context Protocol on standard input and output, for both eras of the
 * protocol. It has no key and no ledger: it proposes, waits and tells.
 */

import {
  type CallToolResult,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Proposal } from "../client/proposals/proposal.ts";
import { isOver } from "../core/proposal.ts";
import { Calls, type LiveCall } from "./calls.ts";
import { Daemon } from "./daemon.ts";
import { serveTasks, takesTasks, taskResult, TASKS_CAPABILITY } from "./tasks.ts";
import {
  failureResult,
  progressText,
  refusalResult,
  resultOf,
  WAIT_TOOL,
  WITHDRAW_TOOL,
} from "./texts.ts";
import { type Tools, toolsOf } from "./tools.ts";
import { StdioTransport } from "./transport.ts";

export interface McpOptions {
  readonly socketPath: string;
  /** The name under which the client proposes, the same after each start. */
  readonly client: string;
  /** null: every action that may be asked for. */
  readonly actions: ReadonlySet<string> | null;
  /** Longest wait of a call for the end of its proposal. */
  readonly holdMs: number;
  readonly version: string;
  /** Told of what is wrong with the client's messages. */
  readonly report: (error: Error) => void;
}

const INSTRUCTIONS =
  "Each tool proposes an action on this host; it runs once a person approved exactly that call. " +
  "A call waits for that and may answer that it is pending. What was declined stays declined: do " +
  "not look for another way to the same effect.";

/**
 * Serves until the client is gone. Rejects with a StartupError where the actions make no set of
 * tools, and with OpenExecUnreachable where there is no daemon.
 */
export async function serveMcp(options: McpOptions): Promise<void> {
  const daemon = new Daemon(options.socketPath, options.client);
  const listed = async () => toolsOf(await daemon.actions(), options.actions);
  const session = new Session(listed, await listed(), new Calls(daemon, options.holdMs));
  const { transport } = session;
  serveStdio(({ era }) => {
    const isModern = era === "modern";
    const mcp = new McpServer({ name: "openexec", version: options.version }, {
      capabilities: { tools: { listChanged: false }, ...(isModern ? TASKS_CAPABILITY : {}) },
      instructions: INSTRUCTIONS,
    });
    session.serve(mcp.server, isModern);
    return mcp;
  }, { transport, onerror: options.report });
  await transport.closed;
}

/** The one client of this process. */
class Session {
  readonly transport = new StdioTransport();

  constructor(
    private readonly listed: () => Promise<Tools>,
    private tools: Tools,
    private readonly calls: Calls,
  ) {}

  serve(server: Server, isModern: boolean): void {
    server.setRequestHandler("tools/list", async () => {
      // while the daemon is away, the tools are those that it had
      this.tools = await this.listed().catch(() => this.tools);
      return { tools: [...this.tools.list] };
    });
    server.setRequestHandler(
      "tools/call",
      (request, context) => this.#call(request.params.name, context),
    );
    if (isModern) serveTasks(server, this.calls, (context) => this.#liveCall(context));
  }

  async #call(tool: string, context: ServerContext): Promise<CallToolResult> {
    const call = this.#liveCall(context);
    const action = this.tools.actions.get(tool);
    const toAnswer = (proposal: Proposal) =>
      !isOver(proposal.status) && takesTasks(context) ? taskResult(proposal) : resultOf(proposal);
    if (action !== undefined) {
      return await this.calls.propose(action, call).then(toAnswer, refusalResult);
    }
    const { proposal } = call.payload;
    const id = typeof proposal === "string" ? proposal : "";
    if (tool === WAIT_TOOL) return await this.calls.wait(id, call).then(toAnswer, failureResult);
    if (tool === WITHDRAW_TOOL) {
      return await this.calls.withdraw(id, call).then(resultOf, failureResult);
    }
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${tool}`);
  }

  #liveCall({ mcpReq: { id, signal, _meta, notify } }: ServerContext): LiveCall {
    const request = this.transport.request(id);
    if (request === undefined) {
      throw new ProtocolError(ProtocolErrorCode.InternalError, "cancelled");
    }
    const progressToken = _meta?.progressToken;
    const progress = (proposal: Proposal, step: number): void => {
      if (progressToken === undefined) return;
      const params = { progressToken, progress: step, message: progressText(proposal) };
      void notify({ method: "notifications/progress", params });
    };
    return { ...request, signal, progress };
  }
}
