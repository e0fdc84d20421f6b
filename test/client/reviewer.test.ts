import { createPublicKey, verify } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  keySigner,
  newApproverKey,
  OpenExecClient,
  Reviewer,
  type ReviewerOptions,
} from "../../src/client/mod.ts";
import { FakeDaemon } from "./fake_daemon.ts";

let daemon: FakeDaemon;
let client: OpenExecClient;
let reviewer: Reviewer;
const people = { alice: signerOf("alice"), bob: signerOf("bob") };

beforeEach(async () => {
  daemon = await FakeDaemon.start();
  client = new OpenExecClient({ socketPath: daemon.socketPath });
  reviewer = reviewing();
});
afterEach(async () => {
  reviewer.close();
  client.close();
  await daemon[Symbol.asyncDispose]();
});

function reviewing(options: Partial<ReviewerOptions> = {}): Reviewer {
  return new Reviewer({ socketPath: daemon.socketPath, ...options });
}

function signerOf(name: string) {
  const key = newApproverKey({ keyid: `${name}-1`, name });
  return { ...keySigner(key), name, publicKey: key.publicKey };
}

async function proposed(payload: object = { amount: 5 }) {
  const { id } = await client.propose("pay", payload, { nonce: crypto.randomUUID() });
  return await reviewer.get(id);
}

const bodyOf = (envelope: { payload: string } | undefined) =>
  JSON.parse(atob(envelope?.payload ?? ""));

/** Whether node:crypto takes the signature of an envelope for one by this key. */
function isSignedBy(
  { payload, payloadType, signatures }: {
    payload: string;
    payloadType?: string;
    signatures: readonly { sig: string }[];
  },
  publicKey: Uint8Array,
): boolean {
  const body = Buffer.from(payload, "base64");
  const head = `DSSEv1 ${payloadType?.length} ${payloadType} ${body.length} `;
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]);
  const key = createPublicKey({ key: spki, format: "der", type: "spki" });
  const signature = Buffer.from(signatures[0]?.sig ?? "", "base64");
  return verify(null, Buffer.concat([Buffer.from(head), body]), key, signature);
}

describe("approve()", () => {
  test("binds nonce, peer, audience, tenant and handler, and lives as long as all may", async () => {
    const proposal = await proposed();
    const decided = await reviewer.approve(proposal, people.alice);
    expect(decided.status).toBe("succeeded");
    const [envelope] = daemon.proposals.approvals;
    const claims = bodyOf(envelope);
    expect(claims).toMatchObject({
      iss: "alice",
      aud: "openexec:fake",
      tenant: "t1",
      sub: "uid:1000",
      nonce: proposal.nonce,
      action: "pay",
      action_digest: proposal.digest,
      handler_digest: proposal.handler.digest,
    });
    expect(claims).not.toHaveProperty("uses");
    expect(claims.exp - claims.iat).toBe(900);
    expect(envelope && isSignedBy(envelope, people.alice.publicKey)).toBe(true);
  });

  test("never outlives the proposal, nor the time that was asked for", async () => {
    const proposal = await proposed();
    await reviewer.approve(proposal, people.alice, { ttlSeconds: 60 });
    const { iat, exp } = bodyOf(daemon.proposals.approvals[0]);
    expect(exp - iat).toBe(60);
    const late = await proposed({ amount: 6 });
    daemon.proposals.change(late.id, {
      expires_at: new Date(Date.now() + 30_000).toISOString(),
    });
    await reviewer.approve(await reviewer.get(late.id), people.alice);
    const claims = bodyOf(daemon.proposals.approvals[1]);
    expect(claims.exp - claims.iat).toBeLessThanOrEqual(30);
  });

  test("adds a signature to the body of another approver", async () => {
    daemon.proposals.needed = 2;
    const { id } = await proposed();
    await reviewer.approve(await reviewer.get(id), people.alice);
    const decided = await reviewer.approve(await reviewer.get(id), people.bob);
    expect(decided.status).toBe("succeeded");
    const [first, second] = daemon.proposals.approvals;
    expect(second?.payload).toBe(first?.payload);
    expect(second?.signatures.map(({ keyid }) => keyid)).toEqual(["bob-1"]);
  });

  test.each([
    ["two uses", { uses: 2, nonce: undefined }],
    ["another peer", { sub: "uid:0" }],
    ["another audience", { aud: "openexec:other" }],
    ["another tenant", { tenant: "t2" }],
    ["another handler", { handler_digest: `sha256:${"00".repeat(32)}` }],
    ["another action", { action_digest: `sha256:${"00".repeat(32)}` }],
    ["a longer life", { exp: Math.floor(Date.now() / 1000) + 3600 }],
    ["a life that is over", { exp: 1_700_000_000, iat: 1_600_000_000 }],
  ])("signs no body of another that has %s", async (_, claims) => {
    daemon.proposals.needed = 2;
    const { id, nonce } = await proposed();
    await reviewer.approve(await reviewer.get(id), people.alice);
    const [first] = daemon.proposals.approvals.splice(0);
    const forged = { ...bodyOf(first), ...claims };
    // the stand-in finds bodies by their nonce, whatever else they say
    const text = JSON.stringify({ ...forged, nonce: forged.nonce ?? nonce });
    daemon.proposals.approvals.push({ payload: btoa(text), signatures: first?.signatures ?? [] });
    await reviewer.approve(await reviewer.get(id), people.bob);
    expect(bodyOf(daemon.proposals.approvals[1])).toMatchObject({ iss: "bob", sub: "uid:1000" });
  });

  test("signs nothing that has changed since it was shown", async () => {
    for (
      const change of [{ peer: { uid: 0, pid: 1 } }, { nonce: "other" }, {
        handler: { digest: `sha256:${"cd".repeat(32)}`, permissions: {}, secrets: [] },
      }]
    ) {
      const shown = await proposed();
      daemon.proposals.change(shown.id, change);
      await expect(reviewer.approve(shown, people.alice)).rejects.toThrow("look at it again");
    }
    expect(daemon.proposals.approvals).toEqual([]);
  });

  test("refuses where the clocks are more than 60 s apart, and takes the smaller", async () => {
    const proposal = await proposed();
    for (const aheadMs of [-70_000, 70_000]) {
      daemon.proposals.aheadMs = aheadMs;
      await expect(reviewer.approve(proposal, people.alice)).rejects.toThrow("apart");
      await expect(reviewer.decline(proposal, people.alice, "")).rejects.toThrow("apart");
    }
    daemon.proposals.aheadMs = 30_000;
    await reviewer.approve(proposal, people.alice);
    expect(bodyOf(daemon.proposals.approvals[0]).iat).toBeLessThanOrEqual(Date.now() / 1000);
  });
});

describe("decline()", () => {
  test("signs the proposal, its digest and the reason", async () => {
    const proposal = await proposed();
    const decided = await reviewer.decline(proposal, people.bob, "not today");
    expect(decided).toMatchObject({
      status: "declined",
      decline: { by: "bob", reason: "not today" },
      problem: { code: "proposal_declined", effect: "none", retry: "never" },
    });
    expect(bodyOf(daemon.proposals.declines[0])).toMatchObject({
      iss: "bob",
      aud: "openexec:fake",
      tenant: "t1",
      proposal: proposal.id,
      action_digest: proposal.digest,
      decision: "decline",
      reason: "not today",
    });
  });

  test("refuses a reason of more than 500 characters", async () => {
    const proposal = await proposed();
    await expect(reviewer.decline(proposal, people.bob, "x".repeat(501))).rejects.toThrow("500");
  });
});

describe("what a reviewer reads", () => {
  test.each([
    ["another payload", { request: { canonical: '{"action":"pay","payload":{"amount":6}}' } }],
    ["another action", { request: { canonical: '{"action":"echo","payload":{"amount":5}}' } }],
    ["another spelling", { request: { canonical: '{"action":"pay","payload":{"amount":5.0}}' } }],
    ["a second member", { request: { canonical: '{"a":1,"action":"pay","payload":{}}' } }],
    ["no JSON", { request: { canonical: "{" } }],
    ["a shown payload that differs", { payload: { amount: 6 } }],
    ["a shown action that differs", { action: "refund" }],
  ])("is refused where the text that is signed has %s", async (_, change) => {
    const { id, digest } = await proposed();
    const members = "request" in change
      ? { request: { ...change.request, action_digest: digest } }
      : change;
    const asked = { canonical: '{"action":"pay","payload":{"amount":5}}', action_digest: digest };
    daemon.proposals.change(id, { request: asked, ...members });
    await expect(reviewer.get(id)).rejects.toThrow("contradicts itself");
  });

  test("is from the daemon that was there first", async () => {
    const proposal = await proposed();
    await reviewer.describe();
    daemon.executorId = "openexec:impostor";
    await expect(reviewer.describe()).rejects.toThrow("openexec:impostor");
    await expect(reviewer.approve(proposal, people.alice)).rejects.toThrow("openexec:impostor");
    const pinned = reviewing({ executorId: "openexec:fake" });
    await expect(pinned.describe()).rejects.toThrow("openexec:impostor");
    pinned.close();
    expect(daemon.proposals.approvals).toEqual([]);
  });
});
