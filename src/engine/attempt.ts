/** One call of execute(), as far as it got: what its log line, its metrics and its refusal receipt are made of. */

import type { RequestContext } from "./types.ts";
import type { ParsedRequest } from "./request.ts";
import type { Stopwatch } from "./stopwatch.ts";
import type { Settled } from "./view.ts";

export interface Attempt {
  readonly context: RequestContext;
  readonly stations: Stopwatch;
  /** Set once the bytes made sense: from then on a refusal leaves a receipt. */
  request: ParsedRequest | null;
  /** Set once something was reserved. */
  execution: Settled | null;
}
