/** Proposals in the ledger: what is stored, what ends them, and what is left. */

import { expect, test } from "vitest";
import { PLAIN_KEY } from "../../../src/core/types.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import type { ProposalEnd, Signing } from "../../../src/ledger/proposals/types.ts";
import { DAY_MS, digest, HOUR_MS, receipt, refusalOf, reservation, scene } from "../scene.ts";
import { newProposal, SECRET } from "./sample.ts";

const ALICE = { name: "alice", keyid: "alice-1", ...PLAIN_KEY };
const BODY = { iss: "alice", jti: "j-1", expiresAt: 1_800_000_900, signers: [ALICE] };
const CLAIM = { iss: "alice", jti: "j-1" };

function signing(id: string, changes: Partial<Signing> = {}): Signing {
  return {
    id,
    status: "pending",
    approvedAtMs: null,
    bodies: [BODY],
    envelopes: ['{"payload":"signed"}'],
    shownDigest: digest("b"),
    ...changes,
  };
}

function ending(id: string, changes: Partial<ProposalEnd> = {}): ProposalEnd {
  return {
    id,
    status: "declined",
    code: "proposal_declined",
    endedBy: ALICE,
    declineReason: "no",
    atMs: 1_800_000_000_000,
    retention: { payloadMs: DAY_MS, resultMs: DAY_MS },
    receipt: receipt(id),
    ...changes,
  };
}

/** Reserves it as its last signature does. */
function start(ledger: Ledger, { record }: ReturnType<typeof newProposal>) {
  const asked = reservation({ id: record.id, nonce: record.nonce, claim: CLAIM });
  return ledger.reserve({ ...asked, start: { id: record.id, body: BODY } });
}

test("a proposal is there after a restart, with its signatures and its words", async () => {
  await using s = await scene();
  const proposal = newProposal();
  const { id, nonce, peer } = proposal.record;
  await s.ledger.proposals.propose(proposal);
  await s.ledger.proposals.sign(signing(id));
  const { proposals } = await s.reopen();
  expect(proposals.waiting().map((record) => record.id)).toEqual([id]);
  expect(proposals.findByNonce(peer.uid, nonce)).toMatchObject({ id, bodies: [BODY] });
  expect(proposals.openBody(id)).toEqual(proposal.body);
  expect(proposals.openEnvelopes(id)).toEqual(['{"payload":"signed"}']);
});

test("a nonce is its uid's own: another uid may wait under it, the same one may not", async () => {
  await using s = await scene();
  const { proposals } = s.ledger;
  const peer = { uid: 7, gid: 7, pid: 7, socket: "agent.sock" };
  await proposals.propose(newProposal({ nonce: "n" }));
  expect(await refusalOf(proposals.propose(newProposal({ nonce: "n" })))).toBe("nonce_reused");
  expect(await refusalOf(proposals.propose(newProposal({ nonce: "n", peer })))).toBe("ok");
  expect(await refusalOf(s.ledger.reserve(reservation({ nonce: "n" })))).toBe(
    "execution_in_flight",
  );
});

test("a start takes it out of what waits, in the transaction of its reservation", async () => {
  await using s = await scene();
  const proposal = newProposal();
  await s.ledger.proposals.propose(proposal);
  const record = await start(s.ledger, proposal);
  const ledger = await s.reopen();
  expect(ledger.proposals.waiting()).toEqual([]);
  expect(ledger.proposals.find(record.id)?.status).toBe("started");
  expect(ledger.proposals.openBody(record.id)).toMatchObject({ canonical: "", reason: "because" });
  expect(ledger.unsettled().map(({ id }) => id)).toEqual([record.id]);
  expect(await refusalOf(start(ledger, proposal))).toBe("proposal_over");
});

test("of an end and a start at once, exactly one is", async () => {
  for (const isEndFirst of [true, false]) {
    await using s = await scene();
    const proposal = newProposal();
    await s.ledger.proposals.propose(proposal);
    const end = () => refusalOf(s.ledger.proposals.end(ending(proposal.record.id)));
    const run = () => refusalOf(start(s.ledger, proposal));
    const both = await Promise.all(isEndFirst ? [end(), run()] : [run(), end()]);
    expect(both.sort()).toEqual(["ok", "proposal_over"]);
    const status = s.ledger.proposals.find(proposal.record.id)?.status;
    expect(status === "started").toBe(s.ledger.unsettled().length === 1);
  }
});

test("the end revokes what was collected, until its row goes; an operator's revocation stays", async () => {
  await using s = await scene();
  const { ledger } = s;
  const proposal = newProposal();
  const { id } = proposal.record;
  await ledger.proposals.propose(proposal);
  const second = { ...BODY, iss: "bob", jti: "j-2" };
  await ledger.proposals.sign(signing(id, { bodies: [BODY, second], envelopes: ["{}", "{}"] }));
  await ledger.proposals.sign(signing(id, { bodies: [], envelopes: [] }));
  await ledger.proposals.end(ending(id));
  const use = (jti: string, iss: string) => ledger.reserve(reservation({ claim: { iss, jti } }));
  expect(await refusalOf(use("j-1", "alice"))).toBe("approval_revoked");
  expect(await refusalOf(use("j-2", "bob"))).toBe("approval_revoked");
  await ledger.revoke("bob", "j-2", receipt("revoke"));
  s.clock.pass(DAY_MS + HOUR_MS);
  await ledger.prune(100);
  expect(ledger.proposals.find(id)).toBeUndefined();
  expect(await refusalOf(use("j-1", "alice"))).toBe("ok");
  expect(await refusalOf(use("j-2", "bob"))).toBe("approval_revoked");
});

test("its body outlives the wait whatever retention says, and goes with the end where nothing is kept", async () => {
  await using s = await scene();
  const { ledger, clock } = s;
  const [kept, gone] = [newProposal(), newProposal()];
  for (const proposal of [kept, gone]) await ledger.proposals.propose(proposal);
  clock.pass(HOUR_MS - 1);
  await ledger.prune(100);
  expect(ledger.proposals.openBody(kept.record.id)?.canonical).toBe(SECRET);
  const retention = { payloadMs: null, resultMs: null };
  await ledger.proposals.end(ending(gone.record.id, { retention }));
  await ledger.proposals.end(ending(kept.record.id, { declineReason: "later" }));
  expect(ledger.proposals.openBody(gone.record.id)).toBeUndefined();
  expect(ledger.proposals.openBody(kept.record.id)).toMatchObject({ declineReason: "later" });
});

test("the key of a wait goes once everything sealed under it has ended", async () => {
  await using s = await scene();
  const { ledger, stateDir } = s;
  const keys = () =>
    Array.from(Deno.readDirSync(`${stateDir}/vault`), ({ name }) => name)
      .filter((name) => name.endsWith(".key"));
  const [one, two] = [newProposal(), newProposal()];
  for (const proposal of [one, two]) await ledger.proposals.propose(proposal);
  const [wait] = keys();
  const retention = { payloadMs: null, resultMs: null };
  await ledger.proposals.end(ending(one.record.id, { retention }));
  await ledger.prune(100);
  expect(keys()).toEqual([wait]);
  await ledger.proposals.end(ending(two.record.id, { retention }));
  await ledger.prune(100);
  expect(keys()).toEqual([]);
  expect(await refusalOf(ledger.proposals.propose(newProposal()))).toBe("ok");
  expect(keys()).toHaveLength(1);
});
