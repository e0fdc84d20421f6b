import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Waiting } from "../../../src/engine/proposals/waiting.ts";
import { proposalRecord } from "../../ledger/proposals/sample.ts";
import { CONFIG } from "../engine_scene.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

test("each is looked at when it is due, and what stays due keeps no other waiting", () => {
  const looks: (readonly string[])[] = [];
  const waiting: Waiting = new Waiting(
    CONFIG.proposals,
    { nowMs: () => Date.now() },
    (due) => {
      looks.push(due.map(({ nonce }) => nonce));
      for (const record of due) waiting.put(record);
    },
    () => {},
  );
  for (const seconds of [1, 2, 3]) {
    const expiresAtMs = Date.now() + seconds * 1000;
    waiting.put(proposalRecord({ nonce: `due-${seconds}`, expiresAtMs }));
  }
  vi.advanceTimersByTime(60_000);
  expect(looks).toEqual([["due-1"], ["due-1", "due-2"], ["due-1", "due-2", "due-3"]]);
  vi.advanceTimersByTime(10_000);
  expect(looks).toHaveLength(4);
  waiting.close();
});
