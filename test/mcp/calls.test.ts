/** One call on a daemon that answers as a test says: what it asks for, and when it goes on. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeDaemon } from "../client/fake_daemon.ts";
import { until } from "../support/until.ts";
import { Calls, type LiveCall } from "../../src/mcp/calls.ts";
import { Daemon } from "../../src/mcp/daemon.ts";
import { progressText } from "../../src/mcp/texts.ts";

const ID = "019aab00-0000-7000-8000-000000000001";

let daemon: FakeDaemon;
let calls: Calls;
let told: string[];
beforeEach(async () => {
  daemon = await FakeDaemon.start();
  calls = new Calls(new Daemon(daemon.socketPath, "agent-1"), 60_000);
  told = [];
});
afterEach(() => daemon[Symbol.asyncDispose]());

function answer(status: string) {
  const proposal = {
    id: ID,
    action: "echo",
    status,
    proposed_at: "2026-01-01T00:00:00.000Z",
    expires_at: "2026-01-01T01:00:00.000Z",
    nonce: "n-1",
    now: "2026-01-01T00:00:00.000Z",
    peer: { uid: 1000, pid: 1 },
    approvals: { needed: 1, given: [], max_ttl_seconds: 900 },
  };
  return { answer: JSON.stringify(proposal), status: status === "succeeded" ? 200 : 202 };
}

function liveCall(isWritten: boolean | Promise<boolean> = true): LiveCall {
  return {
    payload: { n: 1 },
    signal: new AbortController().signal,
    progress: (proposal) => void told.push(progressText(proposal)),
    isAnswered: Promise.resolve(isWritten),
  };
}

const paths = () => daemon.received.map(({ path }) => path);
const DELIVERED = `/proposals/${ID}/delivered`;

test("it holds what it proposed until the end, tells of progress, and notes the end", async () => {
  daemon.mishaps.push(answer("pending"), answer("running"), answer("succeeded"));
  daemon.mishaps.push(answer("succeeded"));
  expect((await calls.propose("echo", liveCall())).status).toBe("succeeded");
  expect(told).toEqual([
    "Waiting for approval: 0 of 1 approvals given.",
    "Approved; it runs, or is about to.",
  ]);
  await until(() => paths().length === 4);
  const hold = `/proposals/${ID}/hold`;
  expect(paths()).toEqual(["/proposals", hold, hold, DELIVERED]);
  expect(new Set(daemon.received.map(({ connection }) => connection)).size).toBe(1);
});

test("it asks again where the daemon was away, or says that it may pass", async () => {
  daemon.mishaps.push("reset", { problem: "draining" }, answer("succeeded"));
  expect((await calls.propose("echo", liveCall(false))).status).toBe("succeeded");
  const bodies = daemon.received.map(({ body }) => body);
  expect(bodies).toEqual(Array(3).fill('{"action":"echo","payload":{"n":1},"client":"agent-1"}'));
});

test("an end that was not written is not noted", async () => {
  daemon.mishaps.push(answer("succeeded"));
  const { promise, resolve } = Promise.withResolvers<boolean>();
  await calls.propose("echo", liveCall(promise));
  resolve(false);
  daemon.mishaps.push(answer("succeeded"));
  await calls.look(ID, liveCall(false));
  expect(paths()).not.toContain(DELIVERED);
});

test("a refusal that no waiting helps ends it at once", async () => {
  daemon.mishaps.push({ problem: "approval_unobtainable" });
  await expect(calls.propose("echo", liveCall())).rejects.toMatchObject({
    code: "approval_unobtainable",
  });
  expect(daemon.received).toHaveLength(1);
});
