/** Checks, in a snapshot, what holds of every ledger at every moment. */

import { equalBytes, utf8Decode } from "../../src/core/bytes.ts";
import { LedgerSnapshot } from "../../src/audit/snapshot.ts";
import { Frontier, leafHash } from "../../src/log/tree.ts";

export interface Sound {
  /** Nonce -> status. */
  readonly statuses: ReadonlyMap<string, string>;
  readonly logSize: number;
}

/** Throws at the first thing that does not hold. Receipts are those of scene.ts. */
export async function expectSound(stateDir: string): Promise<Sound> {
  const snapshot = await LedgerSnapshot.open(stateDir);
  try {
    const frontier = new Frontier();
    for (const { index, body } of snapshot.receipts()) {
      expectThat(index === frontier.size, `leaf ${index} stands at ${frontier.size}`);
      for (const { level, index: at, hash } of frontier.append(leafHash(body))) {
        const stored = snapshot.log.node(level, at);
        expectThat(
          stored !== undefined && equalBytes(stored, hash),
          `node ${level}/${at} is not that of its leaves`,
        );
      }
    }
    expectThat(
      frontier.size === snapshot.log.size(),
      `${frontier.size} leaves, ${snapshot.log.size()} counted`,
    );
    const statuses = new Map<string, string>();
    let executions = 0;
    for (const { id, nonce, status, logIndex } of snapshot.all()) {
      executions++;
      expectThat(!statuses.has(nonce), `${nonce} ran twice`);
      statuses.set(nonce, status);
      const leaf = logIndex === null ? undefined : snapshot.log.leaf(logIndex);
      expectThat(
        (status === "reserved") === (leaf === undefined),
        `${nonce}, ${status}, has receipt ${logIndex}`,
      );
      if (leaf !== undefined) {
        expectThat(utf8Decode(leaf.body) === `receipt of ${id}`, `${nonce} has another's receipt`);
      }
    }
    expectThat(
      executions === snapshot.executions,
      `${executions} executions, ${snapshot.executions} counted`,
    );
    return { statuses, logSize: frontier.size };
  } finally {
    await snapshot.close();
  }
}

function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
