/** POST /execute, and the legacy receipt check that belongs to it. */

import { Refusal } from "../core/errors.ts";
import { memberOf, parseIJson } from "../core/json.ts";
import type { Call, Handlers } from "./call.ts";
import { idempotencyKey, preferredWaitMs, traceparent } from "./head.ts";
import { problemReply } from "./problem.ts";
import { jsonReply, type Reply } from "./reply.ts";

export async function execute(call: Call, { engine }: Handlers): Promise<Reply> {
  const { peer, socket, receivedAtMs, instance, fields, body } = call;
  const context = {
    peer,
    socket,
    receivedAtMs,
    instance,
    idempotencyKey: idempotencyKey(fields),
    waitMs: preferredWaitMs(fields),
    traceparent: traceparent(fields),
  };
  const answer = await engine.execute(body, context);
  return answer.ok
    ? jsonReply(answer.execution)
    : problemReply(answer.code, answer.detail, instance, answer.execution);
}

/** The result is kept as it was written, because Python tells 1 from 1.0 and so does the receipt. */
export function verifyLegacyReceipt({ body }: Call, { inspector }: Handlers): Reply {
  const node = parseIJson(body);
  const [id, result, receipt] = ["exec_id", "result", "receipt"].map((name) =>
    memberOf(node, name)
  );
  const count = node.kind === "object" ? node.members.length : 0;
  if (count !== 3 || id?.kind !== "string" || result === undefined || receipt?.kind !== "string") {
    throw new Refusal(
      "request_malformed",
      "The body must be an object of exec_id, result and receipt.",
    );
  }
  return jsonReply({ valid: inspector.isLegacyReceipt(id.value, result, receipt.value) });
}
