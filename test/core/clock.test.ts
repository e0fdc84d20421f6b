import { expect, test } from "vitest";
import { monotonicClock } from "../../src/core/clock.ts";

function settable(wallMs: number) {
  const time = { wallMs, upMs: 5000 };
  return {
    time,
    clock: { nowMs: () => time.wallMs, uptimeMs: () => time.upMs, bootId: () => "boot" },
  };
}

test("monotonicClock() follows the wall clock while that goes on", () => {
  const { time, clock } = settable(1000);
  const steady = monotonicClock(clock, 0);
  expect(steady.nowMs()).toBe(1000);
  time.wallMs = 70_000;
  expect(steady.nowMs()).toBe(70_000);
  expect([steady.uptimeMs(), steady.bootId()]).toEqual([5000, "boot"]);
});

test("monotonicClock() never says less than the mark, or than before", () => {
  const { time, clock } = settable(1000);
  const steady = monotonicClock(clock, 2000);
  expect(steady.nowMs()).toBe(2000);
  time.wallMs = 3000;
  expect(steady.nowMs()).toBe(3000);
  time.wallMs = 0;
  expect(steady.nowMs()).toBe(3000);
});

test("monotonicClock() goes on with the uptime while the wall clock is behind, until that has caught up", () => {
  const { time, clock } = settable(100_000);
  const steady = monotonicClock(clock, 0);
  steady.nowMs();
  time.wallMs = 10_000;
  expect(steady.nowMs()).toBe(100_000);
  time.wallMs += 60_000;
  time.upMs += 60_000;
  expect(steady.nowMs()).toBe(160_000);
  time.wallMs = 160_500;
  expect(steady.nowMs()).toBe(160_500);
  time.wallMs = 160_400;
  expect(steady.nowMs()).toBe(160_500);
  time.upMs += 1_000;
  expect(steady.nowMs()).toBe(161_500);
});

test("monotonicClock() counts the time in which nobody asked, while the wall clock is behind or has just caught up", () => {
  const { time, clock } = settable(100_000);
  const steady = monotonicClock(clock, 0);
  steady.nowMs();
  time.wallMs = 40_000;
  time.upMs += 50_000;
  expect(steady.nowMs()).toBe(150_000);
  time.wallMs = 155_000;
  time.upMs += 60_000;
  expect(steady.nowMs()).toBe(210_000);
});

test("monotonicClock() does not run ahead of the wall clock because uptimes are rounded", () => {
  const { time, clock } = settable(100_900);
  const steady = monotonicClock(clock, 0);
  steady.nowMs();
  time.wallMs += 200;
  time.upMs += 1_000;
  expect(steady.nowMs()).toBe(101_100);
});

test("monotonicClock() does not believe an uptime that leaps while the wall clock goes on", () => {
  const { time, clock } = settable(100_000);
  const steady = monotonicClock(clock, 0);
  steady.nowMs();
  time.wallMs += 1_000;
  time.upMs += 30 * 86_400_000;
  expect(steady.nowMs()).toBe(101_000);
  time.wallMs += 60_000;
  time.upMs += 60_000;
  expect(steady.nowMs()).toBe(161_000);
  time.wallMs -= 50_000;
  time.upMs += 2_000;
  expect(steady.nowMs()).toBe(163_000);
  time.wallMs += 3_000;
  time.upMs += 3_000 + 30 * 86_400_000;
  expect(steady.nowMs()).toBe(166_000);
});
