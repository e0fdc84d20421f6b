/** A proposal as lines: a screen is drawn often, and its payload is laid out once. */

import { expect, test } from "vitest";
import { digestOf } from "../../../src/core/sha.ts";
import type { JsonObject } from "../../../src/core/types.ts";
import type { ReviewedProposal } from "../../../src/client/proposals/reviewed.ts";
import { proposalLines } from "../../../src/cli/review/proposal_lines.ts";

test("a payload is laid out once for each width, however often the screen is drawn", () => {
  let reads = 0;
  const payload = {
    get amount() {
      reads++;
      return 5;
    },
  };
  const proposal = proposalOf(payload);
  const first = proposalLines(proposal, "openexec:test", 0, 80);
  const readsOnce = reads;
  expect(readsOnce).toBeGreaterThan(0);
  expect(proposalLines(proposal, "openexec:test", 1_000, 80).body).toEqual(first.body);
  expect(reads).toBe(readsOnce);
  proposalLines(proposal, "openexec:test", 1_000, 40);
  expect(reads).toBe(2 * readsOnce);
});

function proposalOf(payload: JsonObject): ReviewedProposal {
  const at = "2026-01-01T00:00:00.000Z";
  const digest = digestOf(new Uint8Array());
  return {
    id: "019aab00-0000-7000-8000-000000000001",
    action: "pay",
    payload,
    nonce: "n-1",
    status: "pending",
    proposed_at: at,
    expires_at: at,
    now: at,
    peer: { uid: 1000, pid: 1 },
    approvals: { needed: 1, given: [], max_ttl_seconds: 900 },
    asked: { action: "pay", payload, nonce: "n-1" },
    digest,
    handler: { digest, permissions: {}, secrets: [] },
    similar: [],
    carried: [],
  };
}
