import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Liveness } from "../../src/daemon/liveness.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const PERIOD_MS = 15_000;

/** Watches over `state`, and what it told. */
function keep(state: { accepting: boolean; status: string }) {
  const told: string[] = [];
  const notify = {
    ready: (status: string) => told.push(`ready ${status}`),
    status: (status: string) => told.push(`status ${status}`),
    watchdog: () => told.push("alive"),
    reloading: () => {},
    stopping: () => {},
  };
  const liveness = new Liveness({
    notify,
    periodMs: PERIOD_MS,
    isAccepting: () => state.accepting,
    status: () => state.status,
  });
  const deaf = vi.fn();
  void liveness.deaf.then(deaf);
  liveness.ready();
  return { liveness, told, deaf };
}

test("it says alive in each period, and the status when it changes", () => {
  const state = { accepting: true, status: "serving" };
  const { liveness, told } = keep(state);
  vi.advanceTimersByTime(PERIOD_MS);
  state.status = "halted";
  vi.advanceTimersByTime(2 * PERIOD_MS);
  expect(told).toEqual(["ready serving", "alive", "alive", "status halted", "alive"]);
  liveness.close();
  vi.advanceTimersByTime(PERIOD_MS);
  expect(told).toHaveLength(5);
});

test("trouble stays in the status until it is ready again", () => {
  const { liveness, told } = keep({ accepting: true, status: "serving" });
  liveness.ready("the last reload failed");
  vi.advanceTimersByTime(PERIOD_MS);
  liveness.ready();
  expect(told).toEqual([
    "ready serving",
    "ready serving; the last reload failed",
    "alive",
    "ready serving",
  ]);
});

test("what does not accept at two looks is deaf, and not called alive any more", async () => {
  const state = { accepting: true, status: "serving" };
  const { told, deaf } = keep(state);
  state.accepting = false;
  await vi.advanceTimersByTimeAsync(PERIOD_MS);
  expect(deaf).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(PERIOD_MS);
  expect(deaf).toHaveBeenCalledOnce();
  expect(told).toEqual(["ready serving"]);
});

test("what accepts again at the second look was only busy", async () => {
  const state = { accepting: false, status: "serving" };
  const { told, deaf } = keep(state);
  await vi.advanceTimersByTimeAsync(PERIOD_MS);
  state.accepting = true;
  await vi.advanceTimersByTimeAsync(PERIOD_MS);
  expect(deaf).not.toHaveBeenCalled();
  expect(told).toEqual(["ready serving", "alive", "alive"]);
});
