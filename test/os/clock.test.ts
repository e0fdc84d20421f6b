import { expect, test } from "vitest";
import { machineClock } from "../../src/os/process.ts";

test("the boot id is the one that the kernel gave this boot, and stays", () => {
  const kernels = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  expect(kernels).toMatch(/^[0-9a-f-]{36}$/);
  expect([machineClock.bootId(), machineClock.bootId()]).toEqual([kernels, kernels]);
});

/** Milliseconds since the machine started, by the kernel, to a hundredth of a second. */
function kernelUptimeMs(): number {
  return Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]) * 1000;
}

test("uptimes are whole seconds, rounded up, so that the marks of every version can be compared", () => {
  for (let i = 0; i < 100; i++) {
    const before = kernelUptimeMs();
    const uptimeMs = machineClock.uptimeMs();
    expect(uptimeMs % 1000).toBe(0);
    expect(uptimeMs).toBeGreaterThanOrEqual(before);
    expect(uptimeMs).toBeLessThanOrEqual(kernelUptimeMs() + 1010);
  }
});
