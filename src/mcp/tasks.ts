/**
 * The extension io.modelcontextprotocol/tasks of 2026-07-28: a call whose proposal still waits when
 * the hold is over becomes a task, which its client polls. A task is its proposal, id and all, so
 * that it outlives this process.
 *
 * To be replaced by the package's own as soon as it has them. It leaves out what the extension
 * leaves to a server: notifications, and asking the client for input.
 */

import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type Result,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as v from "valibot";
import { isOver } from "../core/proposal.ts";
import type { JsonObject } from "../core/types.ts";
import { OpenExecError } from "../client/errors.ts";
import type { Proposal } from "../client/proposals/proposal.ts";
import type { Calls, LiveCall } from "./calls.ts";
import { progressText, resultOf } from "./texts.ts";

const EXTENSION = "io.modelcontextprotocol/tasks";
const EXTENSIONS = { [EXTENSION]: {} };
const POLL_INTERVAL_MS = 5_000;

export const TASKS_CAPABILITY = { extensions: EXTENSIONS };

/** The envelope of a request whose client takes tasks; the package leaves its type open. */
const Declared = v.looseObject({
  [CLIENT_CAPABILITIES_META_KEY]: v.looseObject({
    extensions: v.looseObject({ [EXTENSION]: v.looseObject({}) }),
  }),
});
const Params = v.looseObject({ taskId: v.string() });

/** Whether the client declared, on this request, that it takes a task for an answer. */
export function takesTasks({ mcpReq: { envelope } }: ServerContext): boolean {
  return v.is(Declared, envelope);
}

/** The answer to a call in place of its result (CreateTaskResult); the package wants `content`. */
export function taskResult(proposal: Proposal): CallToolResult {
  return { resultType: "task", ...taskOf(proposal), content: [] };
}

/** Answers the extension's methods. `liveCall` makes a call of a request. */
export function serveTasks(
  server: Server,
  calls: Calls,
  liveCall: (context: ServerContext) => LiveCall,
): void {
  const serve = (
    method: string,
    answer: (id: string, call: LiveCall) => Promise<Result>,
  ): void =>
    server.setRequestHandler(method, { params: Params }, async ({ taskId }, context) => {
      if (!takesTasks(context)) {
        throw new MissingRequiredClientCapabilityError({ requiredCapabilities: TASKS_CAPABILITY });
      }
      return await answer(taskId, liveCall(context)).catch(failed);
    });
  serve("tasks/get", async (id, call) => detailedTaskOf(await calls.look(id, call)));
  serve("tasks/update", async (id, call) => {
    await calls.look(id, untold(call));
    return {};
  });
  serve("tasks/cancel", async (id, call) => {
    await calls.withdraw(id, untold(call));
    return {};
  });
}

/** The same call, whose answer tells no end: none may count as delivered by it. */
function untold(call: LiveCall): LiveCall {
  return { ...call, isAnswered: Promise.resolve(false) };
}

function failed(error: unknown): never {
  const isUnknown = error instanceof OpenExecError && error.code === "proposal_not_found";
  throw new ProtocolError(
    isUnknown ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError,
    isUnknown ? "There is no such task." : "The daemon does not answer.",
  );
}

function taskOf(proposal: Proposal): JsonObject {
  const isWorking = !isOver(proposal.status);
  return {
    taskId: proposal.id,
    status: isWorking ? "working" : proposal.status === "withdrawn" ? "cancelled" : "completed",
    ...(isWorking ? { statusMessage: progressText(proposal) } : {}),
    createdAt: proposal.proposed_at,
    lastUpdatedAt: proposal.now,
    ttlMs: null,
    pollIntervalMs: POLL_INTERVAL_MS,
  };
}

function detailedTaskOf(proposal: Proposal): Result {
  const task = taskOf(proposal);
  return task["status"] === "completed" ? { ...task, result: resultOf(proposal) } : { ...task };
}
