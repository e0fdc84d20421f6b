/** Finds out which parts of a box this kernel has. */

import { hasSeccomp } from "../os/confine.ts";
import { LANDLOCK_VERSION_NEEDED, landlockVersion } from "../os/landlock.ts";

export interface Kernel {
  /** Version of Landlock; 0 for none. */
  readonly landlock: number;
  readonly seccomp: boolean;
}

export function thisKernel(): Kernel {
  return { landlock: landlockVersion(), seccomp: hasSeccomp() };
}

/** Says how much of a box this kernel makes: every part, some, or not even one. */
export type Wholeness = "whole" | "partial" | "none";

export function wholenessOf(kernel: Kernel): Wholeness {
  if (missingParts(kernel).length === 0) return "whole";
  return kernel.landlock === 0 && !kernel.seccomp ? "none" : "partial";
}

/** Names the parts of a whole box that this kernel lacks. */
export function missingParts({ landlock, seccomp }: Kernel): string[] {
  const version = landlock === 0
    ? `Landlock (it needs version ${LANDLOCK_VERSION_NEEDED}, of Linux 6.12)`
    : `Landlock of version ${LANDLOCK_VERSION_NEEDED} (this kernel has ${landlock})`;
  return [
    ...(landlock < LANDLOCK_VERSION_NEEDED ? [version] : []),
    ...(seccomp ? [] : ["seccomp"]),
  ];
}
