/**
 * Reasons why an approval could never start anything, as far as this host can tell. An approver
 * should know before signing, and a script is refused.
 */

import { basename } from "node:path";
import { type ApprovalClaims, USES_DEFAULT } from "../../core/signed_claims.ts";
import type { ErrorCode } from "../../core/errors.ts";
import { couldMeet } from "../../core/keys/verifying_key.ts";
import type { ExecutionRequest } from "../../client/request.ts";
import type { Config, SocketConfig } from "../../config/config.ts";
import { ownerOf, type PublicHalf } from "./approving_key.ts";
import { handlerFacts, type Knowledge } from "./knowledge.ts";
import { misfitOf } from "./misfit.ts";

/** One reason, and the code that the daemon would refuse with. */
export interface Doubt {
  readonly code: ErrorCode;
  readonly text: string;
}

/** The approval to be signed, and the key to sign it with. */
export interface Signing {
  readonly request: ExecutionRequest;
  readonly claims: ApprovalClaims;
  readonly key: PublicHalf;
}

/** Returns the doubts in the order in which a daemon would refuse; none where nothing is known. */
export function doubtsAbout(
  signing: Signing,
  knowledge: Knowledge,
  nowSeconds: number,
): readonly Doubt[] {
  return [
    ...nonceDoubts(signing, knowledge),
    ...actionDoubts(signing, knowledge),
    ...(knowledge.config === null ? [] : [
      ...signerDoubts(signing, knowledge.config, nowSeconds),
      ...subjectDoubts(signing, knowledge.config),
    ]),
    ...bindingDoubts(signing, knowledge),
    ...payloadDoubts(signing, knowledge),
  ];
}

function nonceDoubts({ claims }: Signing, { daemon }: Knowledge): Doubt[] {
  const uses = claims.uses ?? USES_DEFAULT;
  if (uses > 1 || !daemon?.execution) return [];
  const { status } = daemon.execution;
  return [{ code: "nonce_reused", text: `a request with this nonce already ran: ${status}` }];
}

function actionDoubts({ request: { action } }: Signing, { config, daemon }: Knowledge): Doubt[] {
  const isKnown = daemon !== null
    ? daemon.actions.some(({ name }) => name === action)
    : config?.actions.has(action) ?? true;
  const isAllowed = config?.allowedActions?.has(action) ?? true;
  return [
    ...(isAllowed ? [] : [doubt("action_not_allowed", "the daemon takes no such action")]),
    ...(isKnown ? [] : [doubt("action_unknown", "there is no such action")]),
  ];
}

function signerDoubts({ request, claims, key }: Signing, config: Config, now: number): Doubt[] {
  if (config.approvers.length === 0 && config.path === null) return [];
  const owner = ownerOf(config.approvers, key);
  if (owner === undefined) {
    return [doubt("approval_signer_unknown", `the daemon does not know the key ${key.keyid}`)];
  }
  const known = owner.keys.find(({ keyid }) => keyid === key.keyid);
  const isValid = now >= (known?.notBefore ?? -Infinity) && now <= (known?.notAfter ?? Infinity);
  const strength = config.actions.get(request.action)?.require ?? "any";
  const isInScope = owner.actions.has("*") || owner.actions.has(request.action);
  const lives = claims.exp - claims.iat;
  return [
    ...(isValid ? [] : [doubt("approval_signer_unknown", "the key is not valid now")]),
    ...(lives > owner.maxTtlSeconds
      ? [
        doubt("approval_ttl_too_long", `${lives} s; ${owner.name} may give ${owner.maxTtlSeconds}`),
      ]
      : []),
    ...(isInScope
      ? []
      : [doubt("approval_scope_denied", `${owner.name} may not approve this action`)]),
    ...(known === undefined || couldMeet(known, strength)
      ? []
      : [doubt("approval_key_too_weak", `this action asks for keys of require = "${strength}"`)]),
  ];
}

function subjectDoubts({ request, claims: { sub } }: Signing, { sockets }: Config): Doubt[] {
  if (sub === undefined) return [];
  const isItsPeer = ({ path, uids, actions, role }: SocketConfig) =>
    (role === "agent" || role === "admin") && (actions?.has(request.action) ?? true) &&
    (sub.startsWith("uid:")
      ? uids?.has(Number(sub.slice("uid:".length))) ?? true
      : sub === `socket:${basename(path)}`);
  return sockets.some(isItsPeer)
    ? []
    : [doubt("approval_subject_mismatch", `no socket lets ${sub} ask for this action`)];
}

function bindingDoubts({ request, claims }: Signing, knowledge: Knowledge): Doubt[] {
  const { config, daemon } = knowledge;
  const tenant = daemon === null ? config?.tenant : daemon.tenant;
  const digest = handlerFacts(knowledge, request.action)?.digest ?? null;
  const isOther = claims.handler_digest !== undefined && digest !== null &&
    claims.handler_digest !== digest;
  return [
    ...(tenant === undefined || tenant === (claims.tenant ?? null)
      ? []
      : [doubt("approval_tenant_mismatch", `the daemon's tenant is ${tenant ?? "none"}`)]),
    ...(isOther ? [doubt("approval_handler_mismatch", `the daemon has handler ${digest}`)] : []),
  ];
}

function payloadDoubts({ request }: Signing, { daemon }: Knowledge): Doubt[] {
  const schema = daemon?.actions.find(({ name }) => name === request.action)?.["input_schema"];
  const misfit = schema === undefined ? null : misfitOf(schema, request.payload);
  return misfit === null ? [] : [doubt("payload_invalid", `the payload: ${misfit}`)];
}

function doubt(code: ErrorCode, text: string): Doubt {
  return { code, text };
}
