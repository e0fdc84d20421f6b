/** Claims as an audit wants them: the rows that keep anything from running twice, one by one, and how many there are. */

import { Refusal } from "../core/errors.ts";
import type { ApprovalFact, ClaimFacts } from "./claims.ts";
import { decodeApproval } from "../ledger/store/rows.ts";
import { approvalKey, executionIdOf, nonceKey } from "../ledger/store/keys.ts";
import type { Tables } from "../ledger/store/table.ts";

const EXECUTION_KEY_BYTES = 16;

/** All 32-byte keys. */
const HASHES = { start: new Uint8Array(32), end: new Uint8Array(33).fill(0xff) };

export function claimReader(
  { nonces, approvals }: Pick<Tables, "nonces" | "approvals">,
): ClaimFacts {
  const nonceHolder = (nonce: string): string | undefined => {
    const row = nonces.get(nonceKey(nonce));
    return row?.length === EXECUTION_KEY_BYTES ? executionIdOf(row) : undefined;
  };
  const approval = (iss: string, jti: string): ApprovalFact | undefined => {
    const row = approvals.get(approvalKey(iss, jti));
    return row === undefined ? undefined : factIn(row);
  };
  return {
    of: (executions) => {
      const holders = executions.map(({ nonce }) => nonceHolder(nonce)); // one table after the other: its pages stay near
      return executions.map((execution, i) => ({
        execution,
        nonceHolder: holders[i],
        approval: execution.approval === null
          ? undefined
          : approval(execution.approval.iss, execution.approval.jti),
      }));
    },
    approval,
    nonces: () => nonces.count(HASHES),
    approvals: () => approvals.count(HASHES),
  };
}

/** undefined when the row cannot be read. */
function factIn(row: Uint8Array): ApprovalFact | undefined {
  try {
    const { usesTaken, usesAllowed, firstExecution, revokedAtMs } = decodeApproval(row);
    const isRevoked = revokedAtMs > 0;
    return { usesTaken, usesAllowed, firstExecution: executionIdOf(firstExecution), isRevoked };
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
