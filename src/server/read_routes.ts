/**
 * The routes of GET beside those of proposals. An agent socket shows a peer the executions of its
 * own uid, an approver socket those of its actions; an admin socket shows all.
 */

import { Refusal } from "../core/errors.ts";
import { isName } from "../core/limits.ts";
import { formatTime } from "../log/time.ts";
import {
  type Backend,
  type Call,
  malformed,
  requiredWholeNumber,
  viewerOf,
  wholeNumber,
} from "./call.ts";
import { jsonReply, type Reply, textReply } from "./reply.ts";

export function service(_call: Call, { inspector }: Backend): Reply {
  return jsonReply(inspector.service());
}

export function version({ receivedAtMs }: Call, { inspector }: Backend): Reply {
  return jsonReply({ version: inspector.service().version, timestamp: formatTime(receivedAtMs) });
}

/** Monitors read the status first, so 503 says the same as the body. */
export function health(_call: Call, { inspector }: Backend): Reply {
  const view = inspector.health();
  return whetherAble(jsonReply(view), view.status === "healthy");
}

export function ready(_call: Call, { inspector }: Backend): Reply {
  const isReady = inspector.ready();
  return whetherAble(jsonReply({ ready: isReady }), isReady);
}

function whetherAble(reply: Reply, able: boolean): Reply {
  return able
    ? reply
    : { ...reply, status: 503, headers: { ...reply.headers, "retry-after": "1" } };
}

export function openapi(_call: Call, { document }: Backend): Reply {
  return jsonReply(document());
}

export function actions({ socket }: Call, { inspector }: Backend): Reply {
  return jsonReply({ actions: inspector.actions(socket) });
}

/** A UUID in lower case, as ids are made. */
const EXECUTION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LIST_DEFAULT = 20;
const LIST_MAX = 1000;

export async function executions(call: Call, { inspector }: Backend): Promise<Reply> {
  const { query } = call;
  const nonce = query.get("nonce");
  const limit = wholeNumber(query, "limit") ?? LIST_DEFAULT;
  if (limit < 1 || limit > LIST_MAX) throw malformed(`limit must be 1 to ${LIST_MAX}.`);
  if (nonce === undefined) {
    const before = query.get("before") ?? null;
    if (before !== null && !EXECUTION_ID.test(before)) {
      throw malformed("before must be the id of an execution.");
    }
    return jsonReply(await inspector.list(viewerOf(call), limit, before));
  }
  if (query.size > 1 || !isName(nonce)) throw malformed("nonce must be a nonce, and stand alone.");
  return jsonReply(await inspector.findByNonce(nonce, viewerOf(call)));
}

export async function execution(call: Call, { inspector }: Backend): Promise<Reply> {
  if (!EXECUTION_ID.test(call.parameter)) throw new Refusal("execution_not_found");
  return jsonReply(await inspector.find(call.parameter, viewerOf(call)));
}

export function receipt(call: Call, { inspector }: Backend): Reply {
  if (!/^\d{1,15}$/.test(call.parameter)) throw new Refusal("execution_not_found");
  return jsonReply(inspector.receipt(Number(call.parameter), viewerOf(call)));
}

export function keys(_call: Call, { inspector }: Backend): Reply {
  return jsonReply(inspector.keys());
}

export function checkpoint(_call: Call, { inspector }: Backend): Reply {
  return textReply(inspector.checkpoint());
}

export function inclusionProof({ query }: Call, { inspector }: Backend): Reply {
  return jsonReply(
    inspector.inclusionProof(requiredWholeNumber(query, "index"), wholeNumber(query, "size")),
  );
}

export function consistencyProof({ query }: Call, { inspector }: Backend): Reply {
  return jsonReply(
    inspector.consistencyProof(requiredWholeNumber(query, "from"), wholeNumber(query, "to")),
  );
}

export function metrics(_call: Call, { inspector }: Backend): Reply {
  return textReply(inspector.metrics(), "text/plain; version=0.0.4; charset=utf-8");
}
