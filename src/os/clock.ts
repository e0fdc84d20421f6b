/** The machine's clock: the one of core/clock.ts, and the boot that its uptimes belong to. */

import { type MachineClock, systemClock } from "../core/clock.ts";
import { bootId } from "./process.ts";

/** Read once: a process never sees another. */
let boot: string | undefined;

export const machineClock: MachineClock = {
  ...systemClock,
  bootId: () => boot ??= bootId() ?? "",
};
