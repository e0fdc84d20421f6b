/**
 * The kernel's clocks (clock_gettime(2)), and the boot that they belong to.
 *
 * Invariant: uptimes are those of sysinfo(2), which core/clock.ts asks for, to the second: marks that either left in the
 * ledger mean the same. This way takes no lock in the kernel: sysinfo also counts the pages of every block device.
 */

import { type MachineClock, systemClock } from "../core/clock.ts";
import { kernelCalls } from "./libc.ts";
import { bootId } from "./process.ts";

const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
const MS_PER_SECOND = 1_000;

/** struct timespec: seconds, nanoseconds. Read before the next call. */
const time = new BigInt64Array(2);

/** Read once: a process never sees another. */
let boot: string | undefined;

/** The wall clock, and the time since the machine started, whole seconds rounded up. */
export const machineClock: MachineClock = {
  nowMs: () => systemClock.nowMs(),
  uptimeMs: () => {
    kernelCalls().clock_gettime(CLOCK_BOOTTIME, time);
    return (Number(time[0] ?? 0n) + (time[1] === 0n ? 0 : 1)) * MS_PER_SECOND;
  },
  bootId: () => boot ??= bootId() ?? "",
};

/** Microseconds of CLOCK_MONOTONIC, with which systemd orders a reload and the ready that ends it. */
export function monotonicMicros(): bigint {
  kernelCalls().clock_gettime(CLOCK_MONOTONIC, time);
  return (time[0] ?? 0n) * 1_000_000n + (time[1] ?? 0n) / 1000n;
}
