/** What a call refused with. Tests match the code, never the message. */

import { type ErrorCode, Refusal } from "../../src/core/errors.ts";

/** The code of the Refusal that `act` throws, or "ok". Anything else it throws goes on. */
export function codeOf(act: () => unknown): ErrorCode | "ok" {
  try {
    act();
    return "ok";
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
