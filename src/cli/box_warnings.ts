/** What `serve` and `doctor` say where a box is not whole, or an action is taken out of it. */

import type { BoxState } from "../executor/pool.ts";

export interface BoxWarning {
  readonly what: string;
  readonly remedy: string;
}

/** Warns of what the kernel lacks. */
export function kernelWarnings({ missing }: Pick<BoxState, "missing">): BoxWarning[] {
  return missing.length === 0 ? [] : [{
    what: `the kernel lacks ${missing.join(" and ")}`,
    remedy: "start on a newer one; until then the runtime's permissions are all that holds there",
  }];
}

/** Warns of every action that runs outside of the box. */
export function unconfinedWarnings({ unconfined }: Pick<BoxState, "unconfined">): BoxWarning[] {
  return unconfined.map((name) => ({
    what: `${name} runs outside of the box`,
    remedy: "take unconfined = true out of its configuration; programs run in the box too",
  }));
}
