import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { machineClock } from "../../src/os/clock.ts";

test("the boot id is the one that the kernel gave this boot, and stays", () => {
  const kernels = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  expect(kernels).toMatch(/^[0-9a-f-]{36}$/);
  expect([machineClock.bootId(), machineClock.bootId()]).toEqual([kernels, kernels]);
});

test("an uptime of clock_gettime is the one of sysinfo, so that marks of both can be compared", () => {
  for (let i = 0; i < 100; i++) {
    const before = systemClock.uptimeMs();
    const uptimeMs = machineClock.uptimeMs();
    expect(uptimeMs).toBeGreaterThanOrEqual(before);
    expect(uptimeMs).toBeLessThanOrEqual(systemClock.uptimeMs());
  }
});
