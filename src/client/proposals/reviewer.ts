/**
 * A reviewer's client: it looks at what waits on an approver's socket, and signs decisions.
 *
 * Invariants:
 * - It signs only what reviewedOf() has read, for the audience that its maker named, or that it met
 *   first. A daemon that names another one is refused from then on.
 * - An approval binds the nonce, the proposer's uid and the handler that were shown.
 * - A body that another approver made gets a further signature only where its terms are those that
 *   this client would have written.
 */

import { APPROVAL_TYPE, type ApprovalClaims, DECISION_TYPE } from "../../core/signed_claims.ts";
import { utf8Encode } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/json/canonical_json.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { type Envelope, envelopeJson, preAuthEncoding } from "../../core/dsse.ts";
import { Refusal } from "../../core/errors.ts";
import { isReason } from "../../core/limits.ts";
import type { JsonObject } from "../../core/types.ts";
import { CarriedTermError, requireAccepted } from "../approval_terms.ts";
import { newClaims, readApproval, requireMatch } from "../approve.ts";
import type { ApproverSigner } from "../approver_key.ts";
import { type CallOptions, type ConnectionOptions, DaemonConnection } from "../connection.ts";
import { type Description, descriptionOf } from "../description.ts";
import { readable, refusalAsError } from "../errors.ts";
import { type DaemonEvent, followEvents } from "./events.ts";
import {
  getProposal,
  listProposals,
  OPEN,
  pagePath,
  postProposal,
  proposalPath,
} from "./proposals.ts";
import { objectOf } from "../json.ts";
import { approversNeeded, type Proposal, proposalsOf, type ProposalsPage } from "./proposal.ts";
import { reviewedOf, type ReviewedProposal } from "./reviewed.ts";

export interface ReviewerOptions extends ConnectionOptions {
  /** The executor_id that this socket's daemon must have; by default the first it names is kept. */
  readonly executorId?: string;
  readonly clock?: Clock;
}

/** The daemon on a socket is not the one that was there before. */
export class OtherExecutor extends Error {
  override readonly name = "OtherExecutor";
  readonly expected: string;
  readonly found: string;

  constructor(expected: string, found: string) {
    super(`the daemon on this socket calls itself ${found}; it was ${expected} before`);
    this.expected = expected;
    this.found = found;
  }
}

/** The clocks of daemon and approver differ too much to sign by. */
export class ClocksDiffer extends Error {
  override readonly name = "ClocksDiffer";
  readonly seconds: number;

  constructor(seconds: number) {
    super(`this clock and the daemon's are ${Math.round(seconds)} s apart; set them right first`);
    this.seconds = seconds;
  }
}

/** It is not what was shown any more: look at it again. */
export class ChangedProposal extends Error {
  override readonly name = "ChangedProposal";
  constructor() {
    super("the proposal has changed since it was shown: look at it again");
  }
}

export interface ApprovalOptions extends CallOptions {
  /** Whole seconds it is valid at most; by default as long as the daemon takes. */
  readonly ttlSeconds?: number;
}

const CLOCKS_APART_SECONDS_MAX = 60;

export class Reviewer {
  readonly #connection: DaemonConnection;
  readonly #clock: Clock;
  #executorId: string | undefined;

  constructor(options: ReviewerOptions) {
    this.#connection = new DaemonConnection(options);
    this.#clock = options.clock ?? systemClock;
    this.#executorId = options.executorId;
  }

  /** Says which daemon this is. Rejects with OtherExecutor where it is not the expected one. */
  async describe(call: CallOptions = {}): Promise<Description> {
    const description = await this.#connection.read("/", descriptionOf, call);
    const expected = this.#executorId ??= description.executor_id;
    if (description.executor_id !== expected) {
      throw new OtherExecutor(expected, description.executor_id);
    }
    return description;
  }

  /** Lists proposals that wait, oldest first, without what only get() shows. */
  async waiting(call: CallOptions = {}): Promise<readonly Proposal[]> {
    const pending = await listProposals(this.#connection, "pending", call);
    const approved = await listProposals(this.#connection, "approved", call);
    return [...pending, ...approved].toSorted((one, other) => one.id < other.id ? -1 : 1);
  }

  /** A page of all proposals, newest first, from `cursor` on; null: from the beginning. */
  page(cursor: string | null, call: CallOptions = {}): Promise<ProposalsPage> {
    return this.#connection.read(pagePath(undefined, cursor), proposalsOf, call);
  }

  /** Reads of the log: a receipt with its proof of inclusion, or those that name its keys. */
  log(path: `/receipts/${number}` | "/log/keys", call: CallOptions = {}): Promise<JsonObject> {
    return this.#connection.read(path, objectOf, call);
  }

  /** Rejects with ContradictoryProposal, and OpenExecError proposal_not_found. */
  async get(id: string, call: CallOptions = {}): Promise<ReviewedProposal> {
    return readable(reviewedOf(await this.#connection.get(proposalPath(id), call, OPEN)));
  }

  /** Gets a proposal that may be over, and pruned. `waitSeconds` waits for its end. */
  look(id: string, waitSeconds = 0, call: CallOptions = {}): Promise<Proposal> {
    return getProposal(this.#connection, { id }, waitSeconds, call);
  }

  /**
   * Signs an approval of exactly what was read, and hands it in. Resolves with the proposal as it
   * is then. Rejects with ClocksDiffer, OtherExecutor, OpenExecError, and as the signer does.
   */
  async approve(
    proposal: ReviewedProposal,
    signer: ApproverSigner & { readonly name: string },
    options: ApprovalOptions = {},
  ): Promise<Proposal> {
    const { executor_id: aud, tenant } = await this.describe(options);
    const fresh = await this.#unchanged(proposal, options);
    const claims = this.#claims(fresh, signer.name, aud, tenant, options.ttlSeconds);
    const envelope = carriedBody(fresh, claims) ??
      { payloadType: APPROVAL_TYPE, body: utf8Encode(canonicalJson(claims)), signatures: [] };
    return await this.#submit(fresh, "approvals", envelope, signer, options);
  }

  /**
   * Signs a decline and hands it in; the agent is told the reason. Rejects as approve() does, and
   * with RangeError for a reason of more than 500 characters.
   */
  async decline(
    proposal: ReviewedProposal,
    signer: ApproverSigner & { readonly name: string },
    reason: string,
    call: CallOptions = {},
  ): Promise<Proposal> {
    if (!isReason(reason)) throw new RangeError("a reason has at most 500 characters");
    const { executor_id: aud, tenant } = await this.describe(call);
    const fresh = await this.#unchanged(proposal, call);
    const claims = {
      iss: signer.name,
      aud,
      iat: this.#issuedAt(fresh),
      ...(tenant === null ? {} : { tenant }),
      proposal: proposal.id,
      action_digest: proposal.digest,
      decision: "decline",
      reason,
    };
    const body = utf8Encode(canonicalJson(claims));
    const envelope = { payloadType: DECISION_TYPE, body, signatures: [] };
    return await this.#submit(proposal, "decline", envelope, signer, call);
  }

  /** Yields what changes, until the signal aborts. */
  events(signal: AbortSignal): AsyncGenerator<DaemonEvent> {
    return followEvents(this.#connection, signal);
  }

  /** Ends kept connections. */
  close(): void {
    this.#connection.close();
  }

  #claims(
    proposal: ReviewedProposal,
    iss: string,
    aud: string,
    tenant: string | null,
    ttlSeconds: number = Infinity,
  ): ApprovalClaims {
    const iat = this.#issuedAt(proposal);
    const expires = Math.floor(Date.parse(proposal.expires_at) / 1000);
    const { max_ttl_seconds: longest } = proposal.approvals;
    const exp = Math.min(expires, iat + longest, iat + ttlSeconds);
    if (exp <= iat) {
      throw refusalAsError(new Refusal("proposal_expired", "no time is left to approve it"));
    }
    const terms = {
      iss,
      aud,
      ttlSeconds: exp - iat,
      sub: `uid:${proposal.peer.uid}`,
      ...(tenant === null ? {} : { tenant }),
      handlerDigest: proposal.handler.digest,
    };
    return newClaims(proposal.asked, terms, iat);
  }

  /** Gets it anew: what is signed has to be what was shown, and its clock has to be of now. */
  async #unchanged(shown: ReviewedProposal, call: CallOptions): Promise<ReviewedProposal> {
    const fresh = await this.get(shown.id, call);
    if (essence(fresh) !== essence(shown)) throw new ChangedProposal();
    return fresh;
  }

  /**
   * Takes the smaller of two clocks, because nothing is good before it was issued, and never a time
   * before the proposal.
   */
  #issuedAt({ now, proposed_at }: Proposal): number {
    const [own, theirs] = [this.#clock.nowMs() / 1000, Date.parse(now) / 1000];
    if (Math.abs(own - theirs) > CLOCKS_APART_SECONDS_MAX) throw new ClocksDiffer(own - theirs);
    return Math.floor(Math.max(Math.min(own, theirs), Date.parse(proposed_at) / 1000));
  }

  async #submit(
    proposal: ReviewedProposal,
    route: "approvals" | "decline",
    envelope: Envelope,
    signer: ApproverSigner,
    call: CallOptions,
  ): Promise<Proposal> {
    const pae = preAuthEncoding(envelope.payloadType, envelope.body);
    const signature = { keyid: signer.keyid, signature: await signer.sign(pae) };
    const signed = envelopeJson({ ...envelope, signatures: [signature] });
    const bytes = utf8Encode(canonicalJson(signed));
    return await postProposal(
      this.#connection,
      `${proposalPath(proposal.id)}/${route}`,
      bytes,
      call,
    );
  }
}

/** All that an approval rests on; what others have signed meanwhile is no part of it. */
function essence(
  { asked, digest, handler, peer, expires_at, approvals }: ReviewedProposal,
): string {
  const { needed } = approvals;
  const { action, payload, nonce } = asked;
  return canonicalJson({ action, payload, nonce, digest, handler, peer, expires_at, needed });
}

/**
 * Returns the body of another approver that has the terms of `claims`, with the most signatures;
 * undefined where there is none, or one signature is enough anyway.
 */
function carriedBody(proposal: ReviewedProposal, claims: ApprovalClaims): Envelope | undefined {
  if (approversNeeded(proposal) === 1) return undefined;
  return proposal.carried.map((approval) => acceptable(proposal, approval, claims))
    .filter((envelope) => envelope !== undefined)
    .toSorted((one, other) => other.signatures.length - one.signatures.length)[0];
}

function acceptable(
  { asked, approvals }: ReviewedProposal,
  approval: JsonObject,
  own: ApprovalClaims,
): Envelope | undefined {
  try {
    const carried = readApproval({ ...asked, approval });
    if (carried === undefined) return undefined;
    const { claims, envelope } = carried;
    requireMatch(asked, claims);
    requireAccepted(claims, {
      uses: 1,
      ttlSeconds: approvals.max_ttl_seconds,
      aud: own.aud,
      tenant: own.tenant ?? null,
      ...(own.sub === undefined ? {} : { sub: own.sub }),
      ...(own.handler_digest === undefined ? {} : { handlerDigest: own.handler_digest }),
    }, own.iat);
    const isValid = (claims.nbf ?? 0) <= own.iat && claims.exp > own.iat &&
      claims.nonce === asked.nonce;
    return isValid ? envelope : undefined;
  } catch (error) {
    if (error instanceof Refusal || error instanceof CarriedTermError) return undefined;
    throw error;
  }
}
