/** What the engine stands on, handed to it by the composition root: every clock, key and store arrives from outside. */

import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { ExecutorPool } from "../executor/executor.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Attempt } from "./attempt.ts";
import type { Answer } from "./types.ts";
import type { InputSchemas } from "./input_schema.ts";
import type { RefusalJournal } from "./refusals.ts";
import type { SettlementParts } from "./settlement.ts";
import type { TrustGate } from "./trust.ts";

export interface EngineParts extends SettlementParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly executors: ExecutorPool;
  readonly trust: TrustGate;
  readonly schemas: InputSchemas;
  readonly refusals: RefusalJournal;
  /** Told of every attempt when it is answered: the log line and the metrics. */
  readonly observe: (attempt: Attempt, answer: Answer) => void;
  /** Told of every bug, with its cause; the caller only learns `internal_error`. */
  readonly onBug: (error: unknown) => void;
}
