import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  isUndecided,
  OpenExecClient,
  OpenExecError,
  outcomeOf,
  type Proposal,
} from "../../src/client/mod.ts";
import { FakeDaemon } from "./fake_daemon.ts";

let daemon: FakeDaemon;
let client: OpenExecClient;
beforeEach(async () => {
  daemon = await FakeDaemon.start();
  client = new OpenExecClient({ socketPath: daemon.socketPath });
});
afterEach(async () => {
  client.close();
  await daemon[Symbol.asyncDispose]();
});

const succeed = (id: string) =>
  daemon.proposals.change(id, {
    status: "succeeded",
    execution: { id, action: "pay", status: "succeeded", result: { ok: true } },
  });

/** The error that a proposal's outcome is; fails where it is none. */
function errorOf(proposal: Proposal): OpenExecError {
  try {
    outcomeOf(proposal);
  } catch (error) {
    if (error instanceof OpenExecError) return error;
    throw error;
  }
  throw new Error("it has an outcome");
}

describe("propose()", () => {
  test("sends action, payload, reason and a nonce, and answers what waits", async () => {
    const proposal = await client.propose("pay", { amount: 5 }, { reason: "invoice 7" });
    expect(proposal).toMatchObject({ action: "pay", payload: { amount: 5 }, status: "pending" });
    expect(isUndecided(proposal)).toBe(true);
    const sent = JSON.parse(daemon.received[0]?.body ?? "");
    expect(sent).toEqual({
      action: "pay",
      payload: { amount: 5 },
      nonce: expect.any(String),
      reason: "invoice 7",
    });
  });

  test("is one proposal, however often it is sent under one nonce", async () => {
    daemon.mishaps.push("reset", "reset");
    const first = await client.propose("pay", { amount: 5 }, { nonce: "n-1" });
    const again = await client.propose("pay", { amount: 5 }, { nonce: "n-1" });
    expect(again.id).toBe(first.id);
    expect(daemon.proposals.begun).toBe(1);
    expect(new Set(daemon.received.map(({ body }) => body)).size).toBe(1);
    await expect(client.propose("pay", { amount: 6 }, { nonce: "n-1" })).rejects.toMatchObject({
      code: "nonce_reused",
    });
  });

  test("refuses a reason that is too long before it sends anything", async () => {
    await expect(client.propose("pay", {}, { reason: "x".repeat(501) })).rejects.toMatchObject({
      code: "request_malformed",
    });
    expect(daemon.received).toEqual([]);
  });
});

describe("waitFor()", () => {
  test("waits in the daemon until a proposal is over", async () => {
    const { id } = await client.propose("pay");
    const waiting = client.waitFor({ proposal: id });
    await expect.poll(() => daemon.received.length).toBe(2);
    expect(daemon.received[1]?.headers["prefer"]).toMatch(/^wait=\d+$/);
    succeed(id);
    expect(outcomeOf(await waiting).result).toEqual({ ok: true });
  });

  test("outlasts a daemon that breaks off, and one that drains", async () => {
    const { id } = await client.propose("pay");
    daemon.mishaps.push("reset", { problem: "draining" });
    const waiting = client.waitFor({ proposal: id });
    await expect.poll(() => daemon.received.length).toBe(4);
    succeed(id);
    expect((await waiting).status).toBe("succeeded");
  });

  test("ends undecided when its time is over, and with the signal", async () => {
    const { id } = await client.propose("pay");
    expect((await client.waitFor({ proposal: id }, { waitMs: 0 })).status).toBe("pending");
    const stop = new AbortController();
    const waiting = client.waitFor({ proposal: id }, { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  test("says that it may have run where its time is over and nobody answers", async () => {
    const { id } = await client.propose("pay");
    const late = new OpenExecClient({ socketPath: `${daemon.socketPath}.gone` });
    const error = late.waitFor({ proposal: id }, { waitMs: 0 });
    await expect(error).rejects.toMatchObject({ name: "OpenExecUnreachable", effect: "unknown" });
  });

  test("ends with an answer that will not change", async () => {
    const nobody = "0190b1c0-0000-7000-8000-000000000099";
    await expect(client.waitFor({ proposal: nobody })).rejects.toMatchObject({
      code: "proposal_not_found",
    });
  });
});

describe("outcomeOf()", () => {
  test("throws the approver's reason, with effect none and retry never", async () => {
    const { id } = await client.propose("pay");
    daemon.proposals.change(id, {
      status: "declined",
      decline: { by: "alice", reason: "not today", at: "2026-01-01T00:00:00.000Z" },
      problem: { code: "proposal_declined", detail: "Declined", effect: "none", retry: "never" },
    });
    expect(errorOf(await client.proposal({ id }))).toMatchObject({
      code: "proposal_declined",
      detail: "alice: not today",
      effect: "none",
      retry: "never",
    });
  });

  test("says that an undecided one may still run", async () => {
    expect(errorOf(await client.propose("pay"))).toMatchObject({
      code: "execution_in_flight",
      effect: "unknown",
    });
  });
});

test("withdraw() takes back what waits, and refuses what is over", async () => {
  const { id } = await client.propose("pay");
  expect((await client.withdraw(id)).status).toBe("withdrawn");
  await expect(client.withdraw(id)).rejects.toMatchObject({ code: "proposal_over" });
});

test("proposals() lists all, or those of one status", async () => {
  await client.propose("pay", { amount: 1 });
  const { id } = await client.propose("pay", { amount: 2 });
  await client.withdraw(id);
  expect((await client.proposals()).map(({ status }) => status)).toEqual(["pending", "withdrawn"]);
  expect(await client.proposals({ status: "pending" })).toHaveLength(1);
});

test("events() tells what changes, also after a broken stream, and goes on from the last", async () => {
  const stop = new AbortController();
  const events = client.events(stop.signal);
  const next = async () => (await events.next()).value;
  expect(await next()).toBe("connected");
  const { id } = await client.propose("pay");
  expect(await next()).toEqual({ id, status: "pending" });
  daemon.proposals.breakStreams();
  expect(await next()).toBe("lost");
  expect(await next()).toBe("connected");
  const headers = daemon.received.filter(({ path }) => path === "/events").at(-1)?.headers;
  expect(headers?.["last-event-id"]).toBe(`e${id}`);
  await client.withdraw(id);
  expect(await next()).toEqual({ id, status: "withdrawn" });
  stop.abort();
  expect((await events.next()).done).toBe(true);
});
