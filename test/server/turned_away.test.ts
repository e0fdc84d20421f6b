import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TurnedAway } from "../../src/server/admission/admission.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("thousands of connections are told of once, uid by uid, and counted anew afterwards", () => {
  const told: string[] = [];
  const turnedAway = new TurnedAway((uid, count) => told.push(`${uid}: ${count}`));
  for (let i = 0; i < 5000; i++) turnedAway.note(1000 + i % 2);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(["1000: 2500", "1001: 2500"]);
  turnedAway.note(1000);
  turnedAway.flush();
  vi.advanceTimersByTime(60_000);
  expect(told.slice(2)).toEqual(["1000: 1"]);
});
