/** The gate before a handler, and what the handler is told of its time: in this process. */

import { expect, test } from "vitest";
import { contextOf } from "../../src/executor/child/context.ts";
import { importHeld } from "../../src/executor/child/load.ts";
import type { Run } from "../../src/executor/protocol.ts";

const urlOf = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;

test.each([
  ["runs", "export default 1", null],
  ["throws", 'throw new Error("no")', "no"],
  ["is no module", "export default", "Expression expected"],
  ["asks for what is not exported", 'import { no } from "data:text/javascript,"', "no"],
  [
    "puts up a gate of its own and throws",
    'globalThis[Symbol.for("openexec.gate")] = () => {}; throw new Error("no")',
    "no",
  ],
])("a gate is passed once where the handler %s", async (_, code, fault) => {
  let passes = 0;
  const held = importHeld(urlOf(code), () => passes++);
  await held.passed;
  const reason = await held.module.then(() => null, (error: unknown) => String(error));
  if (fault === null) expect(reason).toBe(null);
  else expect(reason).toContain(fault);
  await new Promise((resolve) => setTimeout(resolve));
  expect(passes).toBe(1);
});

test("a signal that is asked for when the time is over has aborted", () => {
  const { console } = globalThis;
  globalThis.console = { ...console }; // a context takes over what is printed
  try {
    const order: Run = {
      kind: "run",
      id: "an execution",
      handler: "a handler",
      request: "{}",
      idempotencyKey: "a key",
      traceparent: null,
      secrets: [],
      abortAfterMs: 0,
    };
    const { signal } = contextOf(order, () => {}, {
      frameBytes: 1,
      resultLength: 1,
      logLines: 1,
    });
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ name: "TimeoutError" });
  } finally {
    globalThis.console = console;
  }
});
