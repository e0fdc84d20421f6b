/** Proposes `echo` to a scene's engine, and approves it. */

import { basename } from "node:path";
import { utf8Encode } from "../../../src/core/bytes.ts";
import type { Json } from "../../../src/core/types.ts";
import type { ProposalContext } from "../../../src/engine/proposals/desk.ts";
import { claims, envelope, HANDLER_DIGEST, PAYLOAD } from "../../support/approvals.ts";
import type { EngineScene } from "../engine_scene.ts";

const UID = 1000;
export const REVIEWER = { uid: UID, actions: null, isReviewer: true };
const NEVER_GONE = () => () => {};

export function contextOf(scene: EngineScene): ProposalContext {
  const [socket] = scene.parts.config.sockets;
  if (socket === undefined) throw new Error("the config names no socket");
  return {
    peer: { uid: UID, gid: UID, pid: 7, socket: basename(socket.path) },
    socket,
    receivedAtMs: scene.clock.wallMs,
    idempotencyKey: null,
    waitMs: 0,
    traceparent: null,
    onGone: NEVER_GONE,
    caller: { onClosing: NEVER_GONE, isClosing: () => false },
  };
}

export async function propose(scene: EngineScene, nonce = "n-1") {
  const body = utf8Encode(JSON.stringify({ action: "echo", payload: PAYLOAD, nonce }));
  return (await scene.engine.proposals.propose(body, contextOf(scene))).id;
}

export async function approve(scene: EngineScene, id: string, said: Record<string, Json> = {}) {
  const body = claims({
    sub: `uid:${UID}`,
    handler_digest: HANDLER_DIGEST,
    jti: id,
    ...said,
  });
  const text = utf8Encode(JSON.stringify(envelope(body)));
  return (await scene.engine.proposals.approve(id, text, REVIEWER, contextOf(scene))).status;
}
