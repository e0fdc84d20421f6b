/**
 * A proposal as a reviewer sees it: what would run, read out of the text that is signed.
 *
 * Invariants:
 * - Action and payload are parsed from the canonical request, and the digest is computed here. An
 *   answer whose other members say something else is refused.
 * - Two readings of one text would let a person approve one thing and the daemon run another, so
 *   only the canonical spelling is read.
 */

import { utf8Encode } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/json/canonical_json.ts";
import { unlessRefused } from "../../core/caught.ts";
import { isJsonObject, parseCanonical, toValue } from "../../core/json/json.ts";
import { isName } from "../../core/limits.ts";
import { digestOf, isDigest } from "../../core/sha.ts";
import { array, open, string, whole } from "../../core/shape.ts";
import type { Digest, Json, JsonObject } from "../../core/types.ts";
import { type Proposal, proposalOf } from "./proposal.ts";
import { actionDigest, type ExecutionRequest } from "../request.ts";

export interface ReviewedProposal extends Proposal {
  /** The request that is signed, as it was parsed here. */
  readonly asked: ExecutionRequest;
  readonly digest: Digest;
  /** The handler that would run, by what the daemon says; its digest goes into the approval. */
  readonly handler: {
    readonly digest: Digest;
    readonly permissions: JsonObject;
    readonly secrets: readonly string[];
  };
  /** The same action and payload within the last day, newest first. */
  readonly similar: readonly SimilarProposal[];
  /** DSSE envelopes, a body each, with the signatures so far. */
  readonly carried: readonly JsonObject[];
}

export interface SimilarProposal {
  readonly id: string;
  readonly status: string;
  readonly at: string;
  readonly uid: number;
}

/** The daemon said two things that contradict each other: nothing of it may be signed. */
export class ContradictoryProposal extends Error {
  override readonly name = "ContradictoryProposal";
  constructor(what: string) {
    super(`the daemon contradicts itself about ${what}: do not sign this`);
  }
}

const isHandler = open({ digest: string, permissions: isJsonObject, secrets: array(string) });
const isSimilar = array(open({ id: string, status: string, at: string, uid: whole }));
const isEnvelopes = array(isJsonObject);
const isRequest = open({ canonical: string, action_digest: string });

/**
 * Returns undefined when it is no proposal for reviewers. It is none once its payload was
 * pruned. Throws ContradictoryProposal.
 */
export function reviewedOf(value: Json): ReviewedProposal | undefined {
  const proposal = proposalOf(value);
  if (proposal === undefined || !isJsonObject(value)) return undefined;
  const { request, handler, similar = [], approval = [] } = value;
  if (!isRequest(request) || !isHandler(handler) || !isSimilar(similar)) return undefined;
  if (!isDigest(handler.digest) || !isEnvelopes(approval)) return undefined;
  const asked = requestOf(request.canonical, proposal.nonce);
  const digest = actionDigest(asked);
  if (digest !== request.action_digest || digest !== digestOf(utf8Encode(request.canonical))) {
    throw new ContradictoryProposal("its digest");
  }
  if (asked.action !== proposal.action) throw new ContradictoryProposal("its action");
  if (
    proposal.payload !== null && canonicalJson(proposal.payload) !== canonicalJson(asked.payload)
  ) throw new ContradictoryProposal("its payload");
  const { permissions, secrets } = handler;
  return {
    ...proposal,
    asked,
    digest,
    handler: { digest: handler.digest, permissions, secrets },
    similar,
    carried: approval,
  };
}

/** Throws ContradictoryProposal for another text than canonicalJson prints. */
function requestOf(canonical: string, nonce: string): ExecutionRequest {
  const value = unlessRefused(() => toValue(parseCanonical(canonical))) ?? null;
  if (!isJsonObject(value) || canonicalJson(value) !== canonical) {
    throw new ContradictoryProposal("its text");
  }
  const { action, payload, ...rest } = value;
  const isRequest = typeof action === "string" && isName(action) && isJsonObject(payload) &&
    Object.keys(rest).length === 0 && isName(nonce);
  if (!isRequest) throw new ContradictoryProposal("its text");
  return { action, payload, nonce };
}
