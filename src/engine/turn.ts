/** Turns of the event loop for a look that takes long. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { Refusal } from "../core/errors.ts";
import type { Charge } from "./types.ts";

/** Lets others go first. Throws request_malformed for a caller who has gone. */
export async function goOn({ goOn }: Charge): Promise<void> {
  if (goOn === undefined) await nextTurn();
  else if (!await goOn()) throw gone();
}

/** Nobody reads the answer. */
export function gone(): Refusal {
  return new Refusal("request_malformed", "The connection closed before the answer.");
}
