/**
 * Begins a proposal, and takes signatures: each is on disk before it is answered.
 *
 * Invariants:
 * - Every check comes before the first write, inside the transaction. A proposal changes only while
 *   it waits; of two that want to change it at once, the one that commits later is `proposal_over`.
 * - A body is sealed in a bucket that ends after the wait, whatever retention says: a proposal that
 *   nobody could read could not be decided.
 */

import { Refusal } from "../../core/errors.ts";
import { refuseFileError } from "../disk/free_space.ts";
import { findByNonce } from "../executions.ts";
import { type LedgerParts, write } from "../parts.ts";
import { ownExecutionKey, sealedKey } from "../store/keys.ts";
import type { Tables } from "../store/table.ts";
import { findProposal, findProposalByNonce, isWaiting } from "./find.ts";
import { openKey, proposalNonceKey, proposalPeerKey, undeliveredKey } from "./keys.ts";
import {
  encodeBody,
  encodeBucket,
  encodeEnvelopes,
  encodeProposal,
  type StoredProposal,
} from "./rows.ts";
import type { NewProposal, ProposalRecord, Signing } from "./types.ts";

const NOTHING = new Uint8Array();

/** Throws halted, nonce_reused, storage_full, ledger_unavailable. */
export async function propose(
  ledger: LedgerParts,
  { record, body }: NewProposal,
): Promise<ProposalRecord> {
  const { tables, bodies, space, clock } = ledger;
  const id = ownExecutionKey(record.id);
  const endAdmission = space.admitReservation(body.canonical.length);
  try {
    const nowMs = clock.nowMs();
    const waitMs = Math.max(0, record.expiresAtMs - nowMs);
    const sealed = await bodies.seal("proposal", id, encodeBody(body), nowMs, waitMs)
      .catch(refuseFileError);
    const bodyBucketMs = sealed?.bucketMs ?? 0;
    try {
      return await write(ledger, 1, (state) => {
        if (state.halted) throw new Refusal("halted");
        const { peer: { uid }, nonce, client } = record;
        if (isOwnNonceTaken(tables, uid, nonce)) throw new Refusal("nonce_reused");
        const stored = { record, bodyBucketMs, signaturesBucketMs: 0, keptUntilMs: 0 };
        tables.proposals.insert(id, encodeProposal(stored));
        tables.index.insert(proposalNonceKey(uid, nonce), id);
        tables.index.insert(proposalPeerKey(uid, id), NOTHING);
        tables.index.insert(openKey(id), encodeBucket(bodyBucketMs));
        if (client !== null) {
          tables.index.insert(undeliveredKey(uid, client, id), NOTHING);
        }
        bodies.store(sealed);
        return record;
      });
    } finally {
      sealed?.release();
    }
  } finally {
    endAdmission();
  }
}

/** Throws proposal_over, halted, storage_full, ledger_unavailable. */
export async function sign(ledger: LedgerParts, signing: Signing): Promise<ProposalRecord> {
  const { tables, bodies, clock } = ledger;
  const id = ownExecutionKey(signing.id);
  const nowMs = clock.nowMs();
  const { record } = requireWaiting(tables, signing.id);
  const waitMs = Math.max(0, record.expiresAtMs - nowMs);
  const sealed = signing.envelopes.length === 0
    ? null
    : await bodies.seal("signatures", id, encodeEnvelopes(signing.envelopes), nowMs, waitMs)
      .catch(refuseFileError);
  try {
    return await write(ledger, 1, () => {
      const stored = requireWaiting(tables, signing.id);
      const signed = withSignatures(stored.record, signing);
      const signaturesBucketMs = sealed?.bucketMs ?? 0;
      if (stored.signaturesBucketMs !== 0) {
        tables.sealed.remove(sealedKey(stored.signaturesBucketMs, "signatures", id));
      }
      tables.proposals.put(id, encodeProposal({ ...stored, record: signed, signaturesBucketMs }));
      bodies.store(sealed);
      return signed;
    });
  } finally {
    sealed?.release();
  }
}

/** The record with these signatures. Names that were collected stay collected. */
export function withSignatures(
  record: ProposalRecord,
  { status, approvedAtMs, bodies, shownDigest }: Omit<Signing, "id" | "envelopes">,
): ProposalRecord {
  const isNew = ({ iss, jti }: { iss: string; jti: string }) =>
    !record.collected.some((known) => known.iss === iss && known.jti === jti);
  const collected = [
    ...record.collected,
    ...bodies.filter(isNew).map(({ iss, jti }) => ({ iss, jti })),
  ];
  const collectedUntil = Math.max(record.collectedUntil, ...bodies.map((body) => body.expiresAt));
  return { ...record, status, approvedAtMs, bodies, shownDigest, collected, collectedUntil };
}

/** Throws proposal_over unless it waits. */
export function requireWaiting(tables: Tables, id: string): StoredProposal {
  const stored = findProposal(tables, id);
  if (stored === undefined || !isWaiting(stored.record)) throw new Refusal("proposal_over");
  return stored;
}

/** Whether this uid has used the nonce before: for a proposal, or for an execution. */
function isOwnNonceTaken(tables: Tables, uid: number, nonce: string): boolean {
  return findProposalByNonce(tables, uid, nonce) !== undefined ||
    findByNonce(tables, nonce)?.record.peer.uid === uid;
}
