/**
 * What all processes of the machine together take: a daemon's own time leaves out the client, the
 * kernel and the executors.
 */

interface Taken {
  readonly busyMs: number;
  readonly idleMs: number;
}

/**
 * Milliseconds of all processors since the machine was started (proc_stat(5)); what other guests
 * stole is neither.
 */
function taken(): Taken {
  const [line = ""] = Deno.readTextFileSync("/proc/stat").split("\n");
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softirq = 0] = line.split(
    /\s+/,
  )
    .slice(1).map((ticks) => Number(ticks) * TICK_MS);
  return { busyMs: user + nice + system + irq + softirq, idleMs: idle + waiting };
}

/** USER_HZ of every Linux that this runs on. */
const TICK_MS = 10;

/**
 * Runs `act`; microseconds of the machine's processors for each of `count`, and the share of them
 * that was idle.
 */
export async function processorOf<T>(count: number, act: () => Promise<T>) {
  const before = taken();
  const result = await act();
  const after = taken();
  const [busyMs, idleMs] = [after.busyMs - before.busyMs, after.idleMs - before.idleMs];
  return { result, microsEach: busyMs * 1000 / count, idle: idleMs / (busyMs + idleMs) };
}
