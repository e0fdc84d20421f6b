/** POST /execute, and the check of OpenExec 0.1.10's receipt that belongs to it. */

import type { Backend, Call } from "./call.ts";
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

export async function verifyLegacyReceipt(call: Call, { inspector }: Backend): Promise<Reply> {
  return jsonReply({ valid: await inspector.isLegacyReceipt(call.body, call) });
}
