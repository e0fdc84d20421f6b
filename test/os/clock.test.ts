import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { machineClock } from "../../src/os/clock.ts";

test("an uptime of clock_gettime is the one of sysinfo, so that marks of both can be compared", () => {
  for (let i = 0; i < 100; i++) {
    const before = systemClock.uptimeMs();
    const uptimeMs = machineClock.uptimeMs();
    expect(uptimeMs).toBeGreaterThanOrEqual(before);
    expect(uptimeMs).toBeLessThanOrEqual(systemClock.uptimeMs());
  }
});
