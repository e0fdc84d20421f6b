import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Liveness } from "../../src/daemon/liveness.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const PERIOD_MS = 15_000;

/** Watches over `state`, and what it told. */
function keep(
  state: { accepting: boolean; status: string },
  isAccepting = () => Promise.resolve(state.accepting),
) {
  const told: string[] = [];
  const notify = {
    ready: (status: string) => told.push(`ready ${status}`),
    status: (status: string) => told.push(`status ${status}`),
    watchdog: () => told.push("alive"),
    starting: () => {},
    reloading: () => {},
    stopping: () => {},
  };
  const liveness = new Liveness({
    notify,
    periodMs: PERIOD_MS,
    isAccepting,
    status: () => state.status,
  });
  const deaf = vi.fn();
  void liveness.deaf.then(deaf);
  liveness.ready();
  return { liveness, told, deaf };
}

test("it says alive in each period, and the status when it changes", async () => {
  const state = { accepting: true, status: "serving" };
  const { liveness, told } = keep(state);
  await vi.advanceTimersByTimeAsync(PERIOD_MS);
  state.status = "halted";
  await vi.advanceTimersByTimeAsync(2 * PERIOD_MS);
  expect(told).toEqual(["ready serving", "alive", "alive", "status halted", "alive"]);
  liveness.close();
  await vi.advanceTimersByTimeAsync(PERIOD_MS);
  expect(told).toHaveLength(5);
});

test("trouble stays in the status until it is ready again", async () => {
  const { liveness, told } = keep({ accepting: true, status: "serving" });
  liveness.ready("the last reload failed");
  await vi.advanceTimersByTimeAsync(PERIOD_MS);
  liveness.ready();
  expect(told).toEqual([
    "ready serving",
    "ready serving; the last reload failed",
    "alive",
    "ready serving",
  ]);
});

test("what does not accept is deaf, and not called alive any more", async () => {
  const state = { accepting: true, status: "serving" };
  const { told, deaf } = keep(state);
  state.accepting = false;
  expect(deaf).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2 * PERIOD_MS);
  expect(deaf).toHaveBeenCalledOnce();
  expect(told).toEqual(["ready serving"]);
});

test("while an answer is due it asks no second time, and says nothing", async () => {
  const answer = Promise.withResolvers<boolean>();
  const isAccepting = vi.fn(() => answer.promise);
  const { told, deaf } = keep({ accepting: true, status: "serving" }, isAccepting);
  await vi.advanceTimersByTimeAsync(3 * PERIOD_MS);
  expect([isAccepting.mock.calls.length, told]).toEqual([1, ["ready serving"]]);
  answer.resolve(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual(["ready serving", "alive"]);
  expect(deaf).not.toHaveBeenCalled();
});
