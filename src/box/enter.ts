/**
 * Completes the box of an executor before it hears of any handler: it gives up what the thread that
 * started it (spawner_thread.ts) could not take away.
 *
 * Invariant: when this returns, every thread of the process has the filter and no new privileges,
 * and Landlock has held since before the process began.
 */

import { dieWithParent, filterAllThreads, setNoNewPrivs, setUmask } from "../os/confine.ts";

/** The part of a box that an executor takes upon itself. */
export interface Entry {
  /** Pid of the daemon: an executor does not outlive it. */
  readonly parent: number;
  /** Id of the daemon's thread that started it. */
  readonly spawner: number;
  /** Whether set-id programs may gain what their bits say. */
  readonly newPrivileges: boolean;
  /** struct sock_filter[], two words each, without pids (PIDS); null: all system calls. */
  readonly filter: readonly number[] | null;
}

/** Operands that stand for pids, until the executor puts these in: no other operand is the same. */
export const PIDS = { own: 0xffff_fff0, daemon: 0xffff_fff1, spawner: 0xffff_fff2 } as const;

/** The filter with real pids in it. `spawner`: the id of the thread that started the executor. */
export function withPids(
  filter: readonly number[],
  pids: Readonly<Record<keyof typeof PIDS, number>>,
): number[] {
  const known = new Map<number, number>([
    [PIDS.own, pids.own],
    [PIDS.daemon, pids.daemon],
    [PIDS.spawner, pids.spawner],
  ]);
  return filter.map((word) => known.get(word) ?? word);
}

/** Files that a handler makes are nobody else's. */
const UMASK = 0o077;

/** Throws an Error when any part fails. */
export function enterBox({ parent, spawner, newPrivileges, filter }: Entry): void {
  setUmask(UMASK);
  dieWithParent(parent);
  if (!newPrivileges) setNoNewPrivs();
  if (filter === null) return;
  const pids = { own: Deno.pid, daemon: parent, spawner };
  filterAllThreads(new Uint32Array(withPids(filter, pids)));
}
