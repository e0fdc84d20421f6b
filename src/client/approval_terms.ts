/**
 * The terms of an approval beside action, payload and nonce, and the check that an approval which a
 * request carries has the terms its further signer accepts.
 *
 * The requester may have written that approval. A signature on it starts what it says, as often as
 * it says.
 */

import type { Digest } from "../core/types.ts";
import { type ApprovalClaims, USES_DEFAULT } from "../core/signed_claims.ts";

export interface ApprovalTerms {
  /** The approver's name in the daemon's config. */
  readonly iss: string;
  /** The executor_id of the one daemon that may run it. */
  readonly aud: string;
  /** Whole seconds it is valid, from now; 300 by default. */
  readonly ttlSeconds?: number;
  /** The only peer that may use it: `uid:1000` or `socket:agent.sock`. */
  readonly sub?: string;
  /** Required where the daemon has a tenant, forbidden where it has none. */
  readonly tenant?: string;
  /** Executions it starts, 1 to 10000; above 1 it binds no nonce. */
  readonly uses?: number;
  /** SHA-256 of the handler file that must be the one that runs. */
  readonly handlerDigest?: Digest;
}

/** Terms the client can find out may be left out: it asks the daemon for `aud` and `tenant`. */
export interface ApproveOptions extends Partial<ApprovalTerms> {
  readonly signal?: AbortSignal;
}

export const TTL_SECONDS_DEFAULT = 300;

/**
 * The terms to accept of an approval that someone else made. Uses and lifetime default to those of
 * a new one. Any value is accepted of another term that is left out.
 */
export interface AcceptedTerms extends Partial<Omit<ApprovalTerms, "iss" | "tenant">> {
  /** null: it may name none. */
  readonly tenant?: string | null;
}

/** A request carries an approval with a term that its further signer does not accept. */
export class CarriedTermError extends RangeError {
  override readonly name = "CarriedTermError";
  readonly term: keyof AcceptedTerms;
  readonly said: string;

  /** `said` is the approval's term in words. */
  constructor(term: keyof AcceptedTerms, said: string) {
    super(`the approval it carries says ${said}: accept that as ${term}, or make a new one`);
    this.term = term;
    this.said = said;
  }
}

/** Throws a CarriedTermError for the first term that is not accepted. A shorter lifetime is. */
export function requireAccepted(
  claims: ApprovalClaims,
  accepted: AcceptedTerms,
  nowSeconds: number,
): void {
  const { uses = USES_DEFAULT, ttlSeconds = TTL_SECONDS_DEFAULT, aud, sub, tenant, handlerDigest } =
    accepted;
  const livesSeconds = claims.exp - Math.min(claims.iat, Math.floor(nowSeconds));
  if ((claims.uses ?? USES_DEFAULT) !== uses) {
    throw new CarriedTermError("uses", `${claims.uses ?? USES_DEFAULT} uses`);
  }
  if (livesSeconds > ttlSeconds) {
    throw new CarriedTermError("ttlSeconds", `${livesSeconds} seconds`);
  }
  requireSame("aud", claims.aud, aud);
  requireSame("sub", claims.sub, sub);
  requireSame("tenant", claims.tenant, tenant);
  requireSame("handlerDigest", claims.handler_digest, handlerDigest);
}

function requireSame(
  term: keyof AcceptedTerms,
  said: string | undefined,
  accepted: string | null | undefined,
): void {
  if (accepted === undefined || said === (accepted ?? undefined)) return;
  throw new CarriedTermError(term, `${term} ${said ?? "none"}`);
}
