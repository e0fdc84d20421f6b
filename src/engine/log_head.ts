/** The newest checkpoint of the log: a C2SP signed note, signed once for each size that somebody asks for. */

import type { SigningKey } from "../core/ed25519.ts";
import type { LogReader } from "../ledger/types.ts";
import { signCheckpoint } from "../log/checkpoint.ts";
import { rootOf } from "../log/tree.ts";

export interface SignedHead {
  readonly size: number;
  readonly text: string;
}

export class LogHead {
  #newest: SignedHead | null = null;

  constructor(
    private readonly executorId: string,
    private readonly log: LogReader,
    private readonly signingKey: SigningKey,
  ) {}

  newest(): SignedHead {
    const size = this.log.size();
    if (this.#newest?.size !== size) {
      const text = signCheckpoint(this.executorId, size, rootOf(this.log, size), this.signingKey);
      this.#newest = { size, text };
    }
    return this.#newest;
  }
}
