/** Looks proposals up: by id, by a peer's nonce, by peer, and those that wait. */

import { damaged } from "../store/bytes.ts";
import { EXECUTION_KEYS, executionIdOf, executionKey, ownExecutionKey } from "../store/keys.ts";
import type { Tables } from "../store/table.ts";
import type { SealedBodies } from "../vault/bodies.ts";
import {
  OPEN_KEYS,
  OWED_KEYS,
  proposalIdOf,
  proposalNonceKey,
  proposalPeerKey,
  undeliveredKey,
} from "./keys.ts";
import { decodeBody, decodeEnvelopes, decodeProposal, type StoredProposal } from "./rows.ts";
import type { Meter } from "../../core/types.ts";
import type { ProposalBody, ProposalFilter, ProposalRecord } from "./types.ts";

export function findProposal({ proposals }: Tables, id: string): StoredProposal | undefined {
  const key = executionKey(id);
  const row = key === undefined ? undefined : proposals.get(key);
  return row === undefined ? undefined : decodeProposal(id, row);
}

/** The proposal that this uid began under this nonce, as long as its row is kept. */
export function findProposalByNonce(
  tables: Tables,
  uid: number,
  nonce: string,
): StoredProposal | undefined {
  const key = tables.index.get(proposalNonceKey(uid, nonce));
  return key === undefined ? undefined : known(tables, executionIdOf(key));
}

/** Everything that waits, the oldest first: never more than `[proposals] total`. */
export function waiting(tables: Tables): StoredProposal[] {
  return Array.from(
    tables.index.keys(OPEN_KEYS),
    (key) => known(tables, proposalIdOf(key)),
  );
}

/** Proposals that a restore ended, whose receipts the log lacks. */
export function owed(tables: Tables): StoredProposal[] {
  return Array.from(
    tables.index.keys(OWED_KEYS),
    (key) => known(tables, proposalIdOf(key)),
  );
}

/** A client that is never told how anything ended must not make others wait for a long look. */
const UNDELIVERED_MAX = 1_000;

/** Lists what this uid's client was not told the end of, the oldest first, the newest 1,000. */
export function undelivered(tables: Tables, uid: number, client: string): StoredProposal[] {
  const keys = tables.index.keys({
    start: undeliveredKey(uid, client, EXECUTION_KEYS.start),
    end: undeliveredKey(uid, client, EXECUTION_KEYS.end),
    reverse: true,
    limit: UNDELIVERED_MAX,
  });
  return Array.from(keys, (key) => known(tables, proposalIdOf(key))).reverse();
}

/** Lists the newest first. An unknown `before` is a place like any other. */
export function listProposals(
  tables: Tables,
  { uid, before, limit }: ProposalFilter,
): StoredProposal[] {
  const { start } = EXECUTION_KEYS;
  const end = (before === null ? undefined : executionKey(before)) ?? EXECUTION_KEYS.end;
  const newestFirst = { reverse: true, limit };
  if (uid === null) {
    const rows = tables.proposals.range({ start, end, ...newestFirst });
    return Array.from(rows, ({ key, value }) => decodeProposal(executionIdOf(key), value));
  }
  const keys = tables.index.keys({
    start: proposalPeerKey(uid, start),
    end: proposalPeerKey(uid, end),
    ...newestFirst,
  });
  return Array.from(keys, (key) => known(tables, proposalIdOf(key)));
}

/** Returns undefined if it was pruned. */
export function openBody(
  bodies: SealedBodies,
  { record, bodyBucketMs }: StoredProposal,
): ProposalBody | undefined {
  const opened = bodies.open("proposal", ownExecutionKey(record.id), bodyBucketMs);
  return opened === undefined ? undefined : decodeBody(opened);
}

/** Does the same, and leaves the event loop free meanwhile. Finds the row at once. */
export async function readBody(
  bodies: SealedBodies,
  { record, bodyBucketMs }: StoredProposal,
  meter?: Meter,
): Promise<ProposalBody | undefined> {
  const opened = await bodies.openAside(
    "proposal",
    ownExecutionKey(record.id),
    bodyBucketMs,
    meter,
  );
  return opened === undefined ? undefined : decodeBody(opened);
}

/** The envelopes of a waiting proposal's bodies, in their order; none where they are gone. */
export function openEnvelopes(
  bodies: SealedBodies,
  { record, signaturesBucketMs }: StoredProposal,
): readonly string[] {
  const opened = bodies.open("signatures", ownExecutionKey(record.id), signaturesBucketMs);
  return opened === undefined ? [] : decodeEnvelopes(opened);
}

/** Whether a proposal waits: only then may it be signed, started or ended. */
export function isWaiting({ status }: ProposalRecord): boolean {
  return status === "pending" || status === "approved";
}

/** An index names the proposal, so it is there, or the ledger is damaged. */
function known(tables: Tables, id: string): StoredProposal {
  const stored = findProposal(tables, id);
  if (stored === undefined) throw damaged();
  return stored;
}
