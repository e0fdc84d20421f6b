/** Catches errors, and puts them into words. */

import { Refusal } from "./errors.ts";

/** Returns what `work` does, or undefined where it throws a Refusal. */
export function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
