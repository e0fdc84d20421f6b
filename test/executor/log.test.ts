/** What of a handler's words reaches the daemon's log. */

import { afterEach, expect, test } from "vitest";
import { executorLog } from "../../src/executor/log.ts";
import { configureLogging } from "../../src/telemetry/log.ts";

let written = "";
const flush = configureLogging({
  format: "json",
  color: false,
  lowestLevel: "debug",
  stream: {
    write(bytes: Uint8Array) {
      written += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
  },
});

afterEach(() => {
  written = "";
});

const EXECUTION = "019347a5-0000-7000-8000-000000000001";

test("a handler's line is one line, with its execution", async () => {
  executorLog().line("charge", EXECUTION, "one\ntwo\u001b[31m\ud800");
  await flush();
  expect(written.trim().split("\n").length).toBe(1);
  expect(JSON.parse(written)).toMatchObject({
    action: "charge",
    execution: EXECUTION,
    line: "one two [31m\ufffd",
  });
});

test("a long line is cut", async () => {
  executorLog().line("charge", EXECUTION, "x".repeat(100_000));
  await flush();
  expect(JSON.parse(written)).toMatchObject({ line: "x".repeat(4_096) });
});

test("what a handler throws is not written, because it quotes payloads; that it failed is", async () => {
  executorLog().failed("charge", EXECUTION, "handler_failed", "card 4111 declined");
  await flush();
  expect(JSON.parse(written)).toMatchObject({
    action: "charge",
    execution: EXECUTION,
    code: "handler_failed",
  });
  expect(written).not.toContain("4111");
});

test("what a process said while it died is not written either, but the signal is", async () => {
  executorLog().died(1234, "SIGTRAP: Fatal JavaScript out of memory, card 4111");
  await flush();
  expect(JSON.parse(written)).toMatchObject({ pid: 1234, signal: "SIGTRAP" });
  expect(written).not.toContain("4111");
});
