/** What of a handler's words reaches the daemon's log. */

import { afterEach, expect, test } from "vitest";
import { executorLog } from "../../src/executor/log.ts";
import { configureLogging } from "../../src/telemetry/log.ts";

let written = "";
const flush = configureLogging({
  format: "json",
  color: false,
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
  await flush(60_000);
  expect(written.trim().split("\n").length).toBe(1);
  expect(JSON.parse(written)).toMatchObject({
    action: "charge",
    execution: EXECUTION,
    line: "one two [31m\ufffd",
  });
});

test("a long line is cut", async () => {
  executorLog().line("charge", EXECUTION, "x".repeat(100_000));
  await flush(60_000);
  expect(JSON.parse(written)).toMatchObject({ line: "x".repeat(4_096) });
});

/** The reason that is written for a run of that payload which ended so. */
async function reasonOf(payload: unknown, thrown: string): Promise<string> {
  executorLog().failed(
    {
      executionId: EXECUTION,
      action: "charge",
      canonicalRequest: JSON.stringify({ action: "charge", payload }),
      idempotencyKey: EXECUTION,
      traceparent: null,
    },
    "handler_failed",
    thrown,
  );
  await flush(60_000);
  return JSON.parse(written).reason;
}

test("what a handler throws is written, on one line", async () => {
  expect(await reasonOf({}, "Error: no such file\n    at run (file:///x.ts:3:9)\u001b[31m")).toBe(
    "Error: no such file     at run (file:///x.ts:3:9) [31m",
  );
  expect(JSON.parse(written)).toMatchObject({
    part: "executor",
    action: "charge",
    execution: EXECUTION,
    code: "handler_failed",
  });
});

test.each([
  ["a text", { card: "4111 1111" }, "card 4111 1111 declined", "card [payload] declined"],
  ["a number", { cents: 129_900 }, "129900 is too much", "[payload] is too much"],
  ["a text in a list", { to: ["a@b.example"] }, "no a@b.example here", "no [payload] here"],
  [
    "a longer text before a shorter",
    ["card", "card 4111"],
    "card 4111 card",
    "[payload] [payload]",
  ],
  [
    "the beginning of a text",
    { body: "hello world" },
    '"hello wor"... is no JSON',
    '"[payload]"... is no JSON',
  ],
  ["a text as JSON has it", { text: 'say "hi"\n' }, 'got "say \\"hi\\"\\n"', 'got "[payload]"'],
  ["a name that only data has", { "a@b.example": 1 }, "no a@b.example", "no [payload]"],
])("%s of the payload is not written", async (_title, payload, thrown, said) => {
  expect(await reasonOf(payload, thrown)).toBe(said);
});

test("a name that stands in code is written, and so is what is too short to tell", async () => {
  const thrown = "cannot read 'amount' of abc: 12";
  expect(await reasonOf({ amount: 12, currency: "abc" }, thrown)).toBe(thrown);
});

test("marks are not looked for in marks, however many leaves begin like them", async () => {
  const alike = Array.from({ length: 1_000 }, (_, i) => `[pay${i}`);
  const thrown = `cannot use ${"bbbbc".repeat(700)}`;
  expect(await reasonOf({ list: ["bbbbc", ...alike] }, thrown)).toBe(
    `cannot use ${"[payload]".repeat(700)}`.slice(0, 4_096),
  );
});

test.each([
  ["too large", { text: "x".repeat(2 ** 16) }, "no"],
  ["too much alike", Array.from({ length: 20 }, (_, i) => `${"b".repeat(2_000)}${i}`), "b"],
])("a payload that is %s to be looked for keeps the reason to itself", async (_, payload, said) => {
  expect(await reasonOf(payload, said.repeat(4_000))).toMatch(/^withheld: it may quote/);
});

test("why a process could not be started is written", async () => {
  executorLog().died(0, "too few descriptors are left for a thread; raise LimitNOFILE=");
  await flush(60_000);
  expect(JSON.parse(written)).toMatchObject({
    message: "executor could not be started",
    reason: "too few descriptors are left for a thread; raise LimitNOFILE=",
  });
});

test("what a process said while it died is not written either, but the signal is", async () => {
  executorLog().died(1234, "SIGTRAP: Fatal JavaScript out of memory, card 4111");
  await flush(60_000);
  expect(JSON.parse(written)).toMatchObject({ pid: 1234, signal: "SIGTRAP" });
  expect(written).not.toContain("4111");
});
