/**
 * Signals to a process that may have ended by itself: the runtime throws where the child is gone.
 * A timer that throws keeps on throwing after its test, so no timer of a test sends a signal.
 */

import { until } from "./until.ts";

/** Sends the signal; false where the process had ended. */
export function signalUnlessEnded(child: Deno.ChildProcess, signal: Deno.Signal): boolean {
  try {
    child.kill(signal);
    return true;
  } catch {
    return false;
  }
}

/** Sends SIGTERM again until the process has ended: two that come at once count as one. */
export async function endAtOnce(child: Deno.ChildProcess): Promise<Deno.CommandStatus> {
  await until(() => !signalUnlessEnded(child, "SIGTERM"));
  return await child.status;
}
