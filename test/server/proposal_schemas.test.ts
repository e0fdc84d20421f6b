import * as v from "valibot";
import { expect, test } from "vitest";
import {
  Proposal,
  ProposalRequest,
  Proposals,
  SignedDecision,
} from "../../src/server/proposal_schemas.ts";

const ID = "01890a5d-ac96-774b-bcce-b302099a8057";
const AT = "2026-11-30T06:00:00.000Z";

const WAITING = {
  id: ID,
  action: "charge_card",
  payload: { cents: 5 },
  nonce: ID,
  reason: "the customer asked",
  status: "pending",
  proposed_at: AT,
  expires_at: AT,
  now: AT,
  peer: { uid: 1000, pid: 4711 },
  approvals: {
    needed: 2,
    require: "any",
    given: [{ name: "alice", keyid: "alice-1", kind: "ed25519", iss: "alice", jti: "j-1" }],
    max_ttl_seconds: 900,
  },
};

test("a waiting and a declined proposal have the shape of a proposal", () => {
  expect(v.is(Proposal, WAITING)).toBe(true);
  const decline = { by: "bob", reason: "no", at: AT };
  const problem = { code: "proposal_declined", detail: "no", effect: "none", retry: "never" };
  expect(v.is(Proposal, { ...WAITING, status: "declined", decline, problem })).toBe(true);
  expect(v.is(Proposals, { proposals: [WAITING], next: null, now: AT })).toBe(true);
});

test("a proposal may leave out nonce and payload, and carries no approval", () => {
  expect(v.is(ProposalRequest, { action: "echo" })).toBe(true);
  expect(v.is(ProposalRequest, { action: "echo", approval: {} })).toBe(false);
  expect(v.is(ProposalRequest, { action: "echo", reason: "x".repeat(501) })).toBe(false);
});

test("a decision is an envelope with a signature", () => {
  const sig = { keyid: "alice-1", sig: "AA==" };
  const decision = { payloadType: "t", payload: "e30=", signatures: [sig] };
  expect(v.is(SignedDecision, decision)).toBe(true);
  expect(v.is(SignedDecision, { ...decision, signatures: [] })).toBe(false);
});
