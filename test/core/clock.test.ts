import { expect, test } from "vitest";
import { monotonicClock, uptimeClock } from "../../src/core/clock.ts";

function settable(wallMs: number) {
  const time = { wallMs, upMs: 5000 };
  return { time, clock: { nowMs: () => time.wallMs, uptimeMs: () => time.upMs } };
}

test("monotonicClock() follows the wall clock while that goes on", () => {
  const { time, clock } = settable(1000);
  const steady = monotonicClock(clock, 0);
  expect(steady.nowMs()).toBe(1000);
  time.wallMs = 70_000;
  expect(steady.nowMs()).toBe(70_000);
  expect(steady.uptimeMs()).toBe(5000);
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

test("uptimeClock() asks once a second, counts on meanwhile, notices a sleep or a set clock, and never goes back", () => {
  const time = { asked: 0, uptimeMs: 10_900, wallMs: 0, timerMs: 0 };
  const pass = (ms: number) => {
    time.uptimeMs += ms;
    time.wallMs += ms;
    time.timerMs += ms;
  };
  const read = () => {
    time.asked++;
    return Math.floor(time.uptimeMs / 1000) * 1000;
  };
  const uptime = uptimeClock(read, () => time.wallMs, () => time.timerMs);
  expect(uptime()).toBe(10_000);
  pass(999);
  expect(uptime()).toBe(10_999);
  expect(time.asked).toBe(1);
  pass(1);
  expect(uptime()).toBe(11_000);
  expect(time.asked).toBe(2);
  pass(50);
  expect(uptime()).toBe(11_050);
  time.wallMs += 7_200_000; // set forward
  expect(uptime()).toBe(11_050);
  expect(time.asked).toBe(3);
  time.uptimeMs += 60_000; // asleep, while the timer stood still
  time.wallMs += 60_000;
  expect(uptime()).toBe(71_000);
  expect(time.asked).toBe(4);
});
