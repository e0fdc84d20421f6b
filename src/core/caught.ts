/** Catches errors, and puts them into words. */

import { Refusal } from "./errors.ts";

/** Says what happened, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns what `work` does, or undefined where it throws a Refusal. */
export function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
