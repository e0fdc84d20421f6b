/** What a command was called with is judged before a daemon is asked, with 2 and a word of it. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeDaemon } from "../client/fake_daemon.ts";
import { openexec } from "./recording_terminal.ts";

const ID = "019aab00-0000-7000-8000-000000000001";

let daemon: FakeDaemon;
beforeAll(async () => void (daemon = await FakeDaemon.start()));
afterAll(() => daemon[Symbol.asyncDispose]());

test.each([
  ["the action", ["propose", "p ay"]],
  ["the action", ["propose", ""]],
  ["the nonce", ["propose", "pay", "--nonce", "n\u00e9"]],
  ["the nonce", ["propose", "pay", "--nonce", ""]],
  ["a reason has at most 500 characters", ["propose", "pay", "--reason", "x".repeat(501)]],
  ["the payload must be an object", ["propose", "pay", "[1]"]],
  ["an id or a nonce", ["show", ""]],
  ["an id or a nonce", ["show", "n 1"]],
  ["--before", ["list", "--before", "n-1"]],
  ["--before", ["list", "--before", ID.toUpperCase()]],
  ["the approver's name", ["revoke", "al ice", "j-1"]],
  ["the approval's id", ["revoke", "alice", "x".repeat(256)]],
  ["the execution", ["resolve", "n-1", "--as", "failed", "--note", "seen"]],
  ["--note", ["resolve", ID, "--as", "failed", "--note", ""]],
  ["--note", ["resolve", ID, "--as", "failed", "--note", "x".repeat(1001)]],
])("%s: a wrong one is usage, and the daemon is not asked", async (said, argv) => {
  const { code, err } = await openexec([...argv, "--socket", daemon.socketPath]);
  expect([code, err]).toEqual([2, expect.stringContaining(said)]);
  expect(daemon.received).toEqual([]);
});
