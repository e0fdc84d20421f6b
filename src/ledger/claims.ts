/**
 * Claims as an audit wants them: the rows that keep anything from running twice, and how many there are.
 *
 * Their keys are hashes, so what was claimed one after the other stands all over the file. Many are looked up in the order
 * of their keys, each page of the file once; one by one in the order of the log, nearly each would bring in a page again.
 */

import { Refusal } from "../core/errors.ts";
import type { ApprovalFact, ClaimFacts } from "../log/audit_claims.ts";
import { decodeApproval } from "./approvals.ts";
import { ByteReader } from "./bytes.ts";
import { approvalKey, executionIdOf, nonceKey } from "./keys.ts";
import type { Tables } from "./store.ts";
import type { Table } from "./table.ts";

const EXECUTION_KEY_BYTES = 16;

/** All 32-byte keys. */
const HASHES = { start: new Uint8Array(32), end: new Uint8Array(33).fill(0xff) };

export function claimReader({ nonces, approvals }: Pick<Tables, "nonces" | "approvals">): ClaimFacts {
  return {
    holders: (wanted) => lookUp(nonces, wanted, ({ nonce }) => nonceKey(nonce), holderIn),
    approvals: (wanted) => lookUp(approvals, wanted, ({ iss, jti }) => approvalKey(iss, jti), approvalIn),
    nonceCount: () => nonces.count(HASHES),
    approvalCount: () => approvals.count(HASHES),
  };
}

/** What the row of each says, in the order in which the rows stand; undefined also where a row cannot be read. */
function* lookUp<Wanted, Fact>(
  table: Table,
  wanted: readonly Wanted[],
  keyOf: (one: Wanted) => Uint8Array,
  read: (row: Uint8Array) => Fact,
): Generator<readonly [Wanted, Fact | undefined]> {
  const keys = wanted.map(keyOf);
  for (const place of inOrder(keys)) {
    const [one, key] = [wanted[place], keys[place]];
    if (one === undefined || key === undefined) continue;
    const row = table.get(key);
    yield [one, row === undefined ? undefined : readable(row, read)];
  }
}

/** A key's place goes into the bits below its first four bytes. */
const PLACES = 2 ** 21;

/** The places of keys in the order of their first four bytes, which is near enough. */
function inOrder(keys: readonly Uint8Array[]): Float64Array {
  const sorted = Float64Array.from(keys, (key, place) => new ByteReader(key).u32() * PLACES + place).sort();
  return sorted.map((both) => both % PLACES);
}

function readable<Fact>(row: Uint8Array, read: (row: Uint8Array) => Fact): Fact | undefined {
  try {
    return read(row);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function holderIn(row: Uint8Array): string | undefined {
  return row.length === EXECUTION_KEY_BYTES ? executionIdOf(row) : undefined;
}

function approvalIn(row: Uint8Array): ApprovalFact {
  const { usesTaken, usesAllowed, firstExecution, revokedAtMs } = decodeApproval(row);
  return {
    usesTaken,
    usesAllowed,
    firstExecution: executionIdOf(firstExecution),
    isRevoked: revokedAtMs > 0,
  };
}
