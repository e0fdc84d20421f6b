/**
 * The proposal object of the HTTP answers, for its proposer and for reviewers, and the digest by
 * which a change of the action is noticed that a reviewer was shown.
 */

import { seatsJson } from "../../core/approvers_needed.ts";
import { base64Encode, bytesOf, stringOf, type Text, utf8Encode } from "../../core/bytes.ts";
import { type ErrorCode, ERRORS } from "../../core/errors.ts";
import { canonicalJson } from "../../core/json/canonical_json.ts";
import { parseIJson, toValue } from "../../core/json/json.ts";
import { JsonText, type Printable } from "../../core/json/json_text.ts";
import { isOver, type ProposalStatus } from "../../core/proposal.ts";
import { digestOf } from "../../core/sha.ts";
import type { Digest, Json, JsonObject } from "../../core/types.ts";
import type { ProposalBody, ProposalRecord } from "../../ledger/proposals/types.ts";
import type { ExecutionRecord } from "../../ledger/types.ts";
import { formatTime } from "../../log/time.ts";
import type { FoundAction } from "../starter.ts";
import type { EngineParts, Viewer } from "../types.ts";
import { loadView } from "../view.ts";
import type { Asking, Similar } from "./similar.ts";

export type ProposalView = { readonly [member: string]: Printable } & {
  readonly id: string;
  readonly status: ProposalStatus;
};

export interface ViewParts
  extends Pick<EngineParts, "ledger" | "config" | "executors" | "trust" | "clock"> {
  readonly similar: Similar;
}

/** How many that are similar stand beside one. */
const SIMILAR_MAX = 10;

/** The status of a proposal: its own, or that of the execution which it became. */
export function statusOf(
  { status }: Pick<ProposalRecord, "status">,
  execution: Pick<ExecutionRecord, "status"> | undefined,
): ProposalStatus {
  if (status !== "started") return status;
  const { status: ran = "reserved" } = execution ?? {};
  return ran === "reserved" ? "running" : ran;
}

/** The view of a record that was read in this turn of the event loop. */
export async function proposalView(
  record: ProposalRecord,
  viewer: Viewer,
  parts: ViewParts,
): Promise<ProposalView> {
  const { ledger, clock } = parts;
  const execution = record.status === "started" ? ledger.find(record.id) : undefined;
  const status = statusOf(record, execution);
  const { meter, isReviewer } = viewer;
  const given = isReviewer && !isOver(status)
    ? { approval: record.bodies.length === 0 ? [] : envelopesOf(record.id, ledger) }
    : {};
  const [body, request, shown] = await Promise.all([
    ledger.proposals.readBody(record.id, meter),
    execution === undefined ? undefined : ledger.readRequest(record.id, meter),
    execution === undefined ? undefined : loadView(execution, ledger, meter),
  ]);
  const canonical = execution === undefined ? body?.canonical : request?.canonical;
  return {
    id: record.id,
    action: record.action,
    payload: canonical === undefined ? null : new JsonText(payloadOf(record.action, canonical)),
    nonce: record.nonce,
    ...(typeof body?.reason === "string" ? { reason: body.reason } : {}),
    ...(record.client === null ? {} : { client: record.client, delivered: record.delivered }),
    status,
    proposed_at: formatTime(record.proposedAtMs),
    expires_at: formatTime(record.expiresAtMs),
    now: formatTime(clock.nowMs()),
    peer: { uid: record.peer.uid, pid: record.peer.pid },
    approvals: approvalsOf(record, parts),
    ...declineOf(record, body),
    ...(shown === undefined ? {} : { execution: shown }),
    ...(record.logIndex === null ? {} : { log_index: record.logIndex }),
    ...(body === undefined ? {} : { salts: { request: base64Encode(body.salt) } }),
    ...problemOf(record, body, status, execution?.code ?? record.code),
    ...(isReviewer ? forReviewers(record, canonical, parts) : {}),
    ...given,
  };
}

/** Returns the payload's text out of that of {"action","payload"}. */
function payloadOf(action: string, canonical: Text): Text {
  const [from, end] = [`{"action":${JSON.stringify(action)},"payload":`.length, -"}".length];
  if (typeof canonical === "string") return canonical.slice(from, end);
  return canonical.subarray(from, end); // an action's name is ASCII
}

function approvalsOf(
  { action, bodies, expiresAtMs }: ProposalRecord,
  { config, ledger, trust }: ViewParts,
): JsonObject {
  const asked = config.actions.get(action);
  const able = asked === undefined ? [] : trust.approversOf(asked, expiresAtMs);
  const lifetimes = able.map(({ maxTtlSeconds }) => maxTtlSeconds);
  return {
    needed: asked === undefined || ledger.mode === "demo" ? 0 : seatsJson(asked),
    require: asked?.require ?? "any",
    given: bodies.flatMap(({ iss, jti, signers }) =>
      signers.map(({ name, keyid, kind }) => ({ name, keyid, kind, iss, jti }))
    ),
    max_ttl_seconds: lifetimes.length === 0 ? 0 : Math.min(...lifetimes),
  };
}

function declineOf(
  { status, endedBy, endedAtMs }: ProposalRecord,
  body: ProposalBody | undefined,
): JsonObject {
  if (status !== "declined" || endedBy === null || !("keyid" in endedBy)) return {};
  const at = formatTime(endedAtMs ?? 0);
  return { decline: { by: endedBy.name, reason: body?.declineReason ?? null, at } };
}

function problemOf(
  record: ProposalRecord,
  body: ProposalBody | undefined,
  now: ProposalStatus,
  code: ErrorCode | null,
): JsonObject {
  if (code === null || !isOver(now)) return {};
  if (isRestored(record)) return { problem: RESTORED };
  const { help, effect, retry } = ERRORS[code];
  const isReasonGone = record.status === "declined" && typeof body?.declineReason !== "string";
  return { problem: { code, detail: isReasonGone ? REASON_GONE : help, effect, retry } };
}

/** Said of a decline whose reason retention destroyed. */
const REASON_GONE =
  "An approver said no; the reason was not kept: ask them. Do not propose it again.";

/** Tells whether a restore ended it: it may have run after the copy was made. */
export function isRestored({ status, code }: ProposalRecord): boolean {
  return status === "refused" && code === "approval_fenced";
}

export const RESTORED = {
  code: "approval_fenced",
  detail: "The ledger was restored while it waited, and it may have run; look before you ask anew.",
  effect: "unknown",
  retry: "never",
} as const;

function forReviewers(
  { id, action: name }: ProposalRecord,
  canonical: Text | undefined,
  { ledger, config, executors, similar }: ViewParts,
): JsonObject {
  const action = config.actions.get(name);
  const registered = executors.actions.get(name);
  return {
    ...(canonical === undefined ? {} : {
      request: { canonical: stringOf(canonical), action_digest: digestOf(bytesOf(canonical)) },
      similar: similar.to(canonical, id).slice(0, SIMILAR_MAX).map((asking) =>
        similarView(asking, ledger)
      ),
    }),
    ...(action === undefined || registered === undefined
      ? {}
      : { handler: handlerView({ action, registered }) }),
  };
}

function envelopesOf(id: string, { proposals }: ViewParts["ledger"]): Json[] {
  return proposals.openEnvelopes(id).map((text) => toValue(parseIJson(text)));
}

/** Says how something like it ended. The time is that of its end, or of its asking. */
function similarView({ id, uid, atMs }: Asking, ledger: ViewParts["ledger"]): JsonObject {
  const execution = ledger.find(id);
  const proposal = ledger.proposals.find(id);
  const started = { status: "started" } as const;
  const endedAtMs = execution?.settledAtMs ?? proposal?.endedAtMs ?? atMs;
  return { id, uid, status: statusOf(proposal ?? started, execution), at: formatTime(endedAtMs) };
}

/** The handler that will run, and what it may reach. */
type HandlerView = {
  readonly digest: Digest;
  readonly permissions: JsonObject;
  readonly secrets: readonly string[];
};

function handlerView({ action, registered }: FoundAction): HandlerView {
  const { net, read, write, env, run, unix } = action.allow;
  return {
    digest: registered.digest,
    permissions: { net, read, write, env, run, unix },
    secrets: [...action.secrets.keys()].sort(),
  };
}

/** Covers everything of an action's configuration that a decision rests on. */
export function shownDigest(found: FoundAction): Digest {
  const { require, unconfined } = found.action;
  const asked = { approvals: seatsJson(found.action), require, unconfined };
  return digestOf(utf8Encode(canonicalJson({ ...asked, ...handlerView(found) })));
}
