/** POST /execute, and the check of OpenExec 0.1.10's receipt that belongs to it. */

import { memberOf, parseIJson } from "../core/json/json.ts";
import { type Backend, type Call, malformed } from "./call.ts";
import { idempotencyKey, preferredWaitMs, traceparent } from "./head.ts";
import { jsonReply, problemReply, type Reply } from "./reply.ts";

/** A longer wait would only hold a connection; ask again instead. */
const WAIT_SECONDS_MAX = 300;

export async function execute(call: Call, { engine }: Backend): Promise<Reply> {
  const { peer, socket, receivedAtMs, instance, fields, body, meter, again } = call;
  const answer = await engine.execute(body, {
    peer,
    socket,
    receivedAtMs,
    idempotencyKey: idempotencyKey(fields),
    waitMs: preferredWaitMs(fields, WAIT_SECONDS_MAX),
    traceparent: traceparent(fields),
    meter,
    again,
  });
  return answer.ok
    ? jsonReply(answer.execution)
    : problemReply(answer.code, answer.detail, instance, answer.execution);
}

/** Keeps the result as it was written: Python tells 1 from 1.0, and so does the receipt. */
export function verifyLegacyReceipt({ body }: Call, { inspector }: Backend): Reply {
  const node = parseIJson(body);
  const [id, result, receipt] = ["exec_id", "result", "receipt"].map((name) =>
    memberOf(node, name)
  );
  const count = node.kind === "object" ? node.members.length : 0;
  if (count !== 3 || id?.kind !== "string" || result === undefined || receipt?.kind !== "string") {
    throw malformed("The body must be an object of exec_id, result and receipt.");
  }
  return jsonReply({ valid: inspector.isLegacyReceipt(id.value, result, receipt.value) });
}
