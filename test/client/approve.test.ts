import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseEnvelope, preAuthEncoding } from "../../src/core/dsse.ts";
import { verify } from "../../src/core/keys/ed25519.ts";
import { utf8Decode } from "../../src/core/bytes.ts";
import { digestOf } from "../../src/core/sha.ts";
import {
  type AcceptedTerms,
  type ApprovalTerms,
  approveRequest,
  type ApproverSigner,
  CarriedTermError,
  countersign,
  type ExecutionRequest,
  newApproverKey,
  newRequest,
  OpenExecClient,
  readApproval,
} from "../../src/client/mod.ts";
import { FakeDaemon } from "./fake_daemon.ts";

const alice = newApproverKey({ keyid: "alice-1", name: "alice" });
const bob = newApproverKey({ keyid: "bob-1", name: "bob" });
const terms = { iss: "alice", aud: "openexec:host" };
const NOW = 1_800_000_000;
const request = newRequest("pay", { amount: 5, to: "x" }, "n-1");

function envelopeOf(approved: ExecutionRequest) {
  const envelope = parseEnvelope(approved.approval);
  if (envelope === undefined) throw new Error("no envelope");
  return envelope;
}

async function codeOf(make: () => unknown): Promise<unknown> {
  try {
    await make();
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
  return "ok";
}

describe("approveRequest()", () => {
  test("binds action, payload, nonce, audience and time, in a body of canonical JSON", async () => {
    const { body } = envelopeOf(
      await approveRequest(request, [alice], { ...terms, ttlSeconds: 60 }, NOW + 0.9),
    );
    expect(JSON.parse(utf8Decode(body) ?? "")).toEqual({
      action: "pay",
      action_digest: "sha256:32dae492f113828de7f6870a82557e843e744d97fc8620c145eb5bc6795a1334",
      aud: "openexec:host",
      exp: NOW + 60,
      iat: NOW,
      iss: "alice",
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      nonce: "n-1",
    });
  });

  test("signs with every key, over the same bytes", async () => {
    const envelope = envelopeOf(await approveRequest(request, [alice, bob], terms, NOW));
    const message = preAuthEncoding(envelope.payloadType, envelope.body);
    expect(envelope.signatures.map(({ keyid }) => keyid)).toEqual(["alice-1", "bob-1"]);
    const keys = [alice, bob];
    envelope.signatures.forEach(({ signature }, i) => {
      expect(verify(signature, message, keys[i]?.publicKey ?? new Uint8Array())).toBe(true);
    });
  });

  test("says what else was asked, and binds no nonce where it may be used more than once", async () => {
    const handlerDigest = `sha256:${"ab".repeat(32)}` as const;
    const more = { sub: "uid:1000", tenant: "t1", uses: 3, handlerDigest };
    const claims = readApproval(
      await approveRequest(request, [alice], { ...terms, ...more }, NOW),
    )?.claims;
    expect(claims).toMatchObject({
      sub: "uid:1000",
      tenant: "t1",
      uses: 3,
      handler_digest: handlerDigest,
    });
    expect(claims).not.toHaveProperty("nonce");
  });

  test("never repeats an approval id", async () => {
    const made = Array.from({ length: 20 }, () => approveRequest(request, [alice], terms, NOW));
    const ids = (await Promise.all(made)).map(readApproval);
    expect(new Set(ids.map((approval) => approval?.claims.jti)).size).toBe(20);
  });

  test.each([
    { ttlSeconds: 0 },
    { ttlSeconds: 1.5 },
    { uses: 0 },
    { uses: 10_001 },
    { iss: "two words" },
    { aud: "" },
    { tenant: "" },
    { sub: "bob" },
    { sub: "uid:" },
    { sub: "uid:01" },
    { sub: "socket:a/b" },
    { handlerDigest: "sha256:short" as const },
  ])("rejects with RangeError for %j", async (wrong) => {
    await expect(approveRequest(request, [alice], { ...terms, ...wrong }, NOW)).rejects.toThrow(
      RangeError,
    );
  });
});

test("a signer of another kind signs the same bytes, and one is asked after the other", async () => {
  const asked: string[] = [];
  const slow = (keyid: string): ApproverSigner => ({
    keyid,
    name: null,
    sign: async (pae) => {
      asked.push(`${keyid} is asked`);
      await Promise.resolve();
      asked.push(`${keyid} signs ${digestOf(pae)}`);
      return Uint8Array.of(1, 2, 3);
    },
  });
  const { payloadType, body, signatures } = envelopeOf(
    await approveRequest(request, [slow("card-1"), alice, slow("card-2")], terms, NOW),
  );
  const digest = digestOf(preAuthEncoding(payloadType, body));
  expect(signatures.map(({ keyid }) => keyid)).toEqual(["card-1", "alice-1", "card-2"]);
  expect(signatures[0]?.signature).toEqual(Uint8Array.of(1, 2, 3));
  expect(asked).toEqual([
    "card-1 is asked",
    `card-1 signs ${digest}`,
    "card-2 is asked",
    `card-2 signs ${digest}`,
  ]);
});

const once = await approveRequest(request, [alice], terms, NOW);

describe("countersign()", () => {
  test("adds a signature and leaves the body as it is", async () => {
    const first = envelopeOf(once);
    const second = envelopeOf(await countersign(once, [bob], {}, NOW));
    expect(second.body).toEqual(first.body);
    expect(second.signatures.map(({ keyid }) => keyid)).toEqual(["alice-1", "bob-1"]);
    expect(second.signatures[0]).toEqual(first.signatures[0]);
  });

  test("changes nothing for a key that signed already", async () => {
    expect(await countersign(once, [alice], {}, NOW)).toEqual(once);
  });

  test("refuses to sign what the approval does not say", async () => {
    const swapped = { ...once, payload: { amount: 5_000, to: "mallory" } };
    expect(await codeOf(() => countersign(swapped, [bob], {}, NOW))).toBe(
      "approval_action_mismatch",
    );
    expect(await codeOf(() => countersign({ ...once, action: "other" }, [bob], {}, NOW))).toBe(
      "approval_action_mismatch",
    );
    expect(await codeOf(() => countersign({ ...once, nonce: "n-2" }, [bob], {}, NOW))).toBe(
      "approval_nonce_mismatch",
    );
    expect(await codeOf(() => countersign(request, [bob], {}, NOW))).toBe("approval_missing");
  });

  /** A requester may have written this approval, and signs with any key. */
  const carrying = (more: Partial<ApprovalTerms>) =>
    approveRequest(request, [alice], { ...terms, ...more }, NOW);

  test.each<[keyof AcceptedTerms, Partial<ApprovalTerms>, AcceptedTerms]>([
    ["uses", { uses: 2 }, {}],
    ["uses", { uses: 10_000 }, { uses: 2 }],
    ["uses", {}, { uses: 2 }],
    ["ttlSeconds", { ttlSeconds: 301 }, {}],
    ["ttlSeconds", { ttlSeconds: 60 }, { ttlSeconds: 59 }],
    ["aud", {}, { aud: "openexec:other" }],
    ["sub", {}, { sub: "uid:1000" }],
    ["sub", { sub: "uid:1001" }, { sub: "uid:1000" }],
    ["tenant", { tenant: "t1" }, { tenant: null }],
    ["tenant", {}, { tenant: "t1" }],
    ["handlerDigest", {}, { handlerDigest: `sha256:${"00".repeat(32)}` }],
  ])("signs no other %s than is accepted: %j for %j", async (term, carried, accepted) => {
    const signed = countersign(await carrying(carried), [bob], accepted, NOW);
    await expect(signed).rejects.toThrow(CarriedTermError);
    await expect(signed).rejects.toThrow(expect.objectContaining({ term }));
  });

  test("signs no life that begins later, however short", async () => {
    const later = await approveRequest(request, [alice], { ...terms, ttlSeconds: 10 }, NOW + 3_600);
    await expect(countersign(later, [bob], {}, NOW)).rejects.toThrow(
      expect.objectContaining({ term: "ttlSeconds" }),
    );
  });

  test.each<[Partial<ApprovalTerms>, AcceptedTerms]>([
    [{ uses: 5, ttlSeconds: 900 }, { uses: 5, ttlSeconds: 900 }],
    [{ ttlSeconds: 10, sub: "uid:1000", tenant: "t1" }, {}],
    [{ tenant: "t1", sub: "uid:1" }, {
      aud: "openexec:host",
      tenant: "t1",
      sub: "uid:1",
      ttlSeconds: 400,
    }],
    [{}, { tenant: null }],
  ])("signs %j for %j", async (carried, accepted) => {
    const signed = await countersign(await carrying(carried), [bob], accepted, NOW + 200);
    expect(envelopeOf(signed).signatures).toHaveLength(2);
  });

  test("refuses any payload but the approved one", async () => {
    const payloads = fc.dictionary(fc.string(), fc.jsonValue());
    await fc.assert(fc.asyncProperty(payloads, async (payload) => {
      fc.pre(JSON.stringify(payload) !== JSON.stringify(request.payload));
      const other = { ...newRequest("pay", payload, "n-1"), approval: once.approval ?? {} };
      expect(await codeOf(() => countersign(other, [bob], {}, NOW))).toBe(
        "approval_action_mismatch",
      );
    }));
  });
});

describe("readApproval()", () => {
  const body = (claims: object) => ({
    payload: btoa(JSON.stringify(claims)),
    payloadType: "application/vnd.openexec.approval.v2+json",
    signatures: [{ keyid: "k", sig: btoa("x".repeat(64)) }],
  });
  const whole = {
    ...{ iss: "a", aud: "b", jti: "j", iat: 1, exp: 2, nonce: "n", action: "pay" },
    action_digest: `sha256:${"00".repeat(32)}`,
  };

  test("reads what the daemon would read", () => {
    expect(readApproval({ ...request, approval: body(whole) })?.claims).toEqual(whole);
  });

  test.each([
    ["an unknown claim", { ...whole, admin: true }],
    ["a missing claim", { ...whole, exp: undefined }],
    ["a nonce beside several uses", { ...whole, uses: 2 }],
    ["neither nonce nor uses", { ...whole, nonce: undefined }],
    ["fractions of a second", { ...whole, iat: 1.5 }],
    ["an upper-case digest", { ...whole, action_digest: `sha256:${"AB".repeat(32)}` }],
  ])("refuses %s", async (_, claims) => {
    expect(await codeOf(() => readApproval({ ...request, approval: body(claims) }))).toBe(
      "approval_malformed",
    );
  });

  test("refuses another payload type", async () => {
    const approval = { ...body(whole), payloadType: "application/vnd.openexec.receipt.v1+json" };
    expect(await codeOf(() => readApproval({ ...request, approval }))).toBe("approval_malformed");
  });
});

describe("OpenExecClient.approve()", () => {
  test("asks the daemon for audience and tenant, and takes the approver from the key", async () => {
    await using daemon = await FakeDaemon.start();
    const client = new OpenExecClient({ socketPath: daemon.socketPath });
    const claims = readApproval(await client.approve(client.request("echo"), alice))?.claims;
    expect(claims).toMatchObject({ iss: "alice", aud: "openexec:fake", tenant: "t1" });
    daemon.tenant = null;
    const untenanted = readApproval(await client.approve(client.request("echo"), alice))?.claims;
    expect(untenanted).not.toHaveProperty("tenant");
    client.close();
  });

  test("countersigns for the daemon's own audience and tenant only", async () => {
    await using daemon = await FakeDaemon.start();
    const client = new OpenExecClient({ socketPath: daemon.socketPath });
    const approved = await client.approve(client.request("echo"), alice);
    const twice = await client.countersign(approved, [bob]);
    expect(readApproval(twice)?.envelope.signatures).toHaveLength(2);
    daemon.tenant = null;
    await expect(client.countersign(approved, bob)).rejects.toThrow(
      expect.objectContaining({ term: "tenant" }),
    );
    client.close();
  });

  test("needs no daemon when it is told the audience", async () => {
    const client = new OpenExecClient({
      socketPath: "/nowhere",
      clock: { nowMs: () => NOW * 1000 },
    });
    const approved = await client.approve(request, alice, {
      aud: "openexec:other",
      ttlSeconds: 10,
    });
    expect(readApproval(approved)?.claims).toMatchObject({
      aud: "openexec:other",
      iat: NOW,
      exp: NOW + 10,
    });
    await expect(client.approve(approved, bob, { aud: "openexec:other" })).rejects.toThrow(
      /carries an approval/,
    );
    const twice = await client.countersign(approved, bob, { aud: "openexec:other" });
    expect(readApproval(twice)?.envelope.signatures).toHaveLength(2);
    await expect(client.countersign(approved, bob, { aud: "openexec:third" })).rejects.toThrow(
      CarriedTermError,
    );
  });
});
