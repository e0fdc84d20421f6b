/** Whose ledger this is: the mode, and the executor id that approvals name. It never changes. */

import { utf8Encode } from "../core/bytes.ts";
import type { Mode } from "../core/types.ts";
import { LedgerOpenError } from "./disk/open_error.ts";
import { ByteReader, ByteWriter, damaged } from "./store/bytes.ts";
import type { Tables } from "./store/table.ts";

export interface Identity {
  readonly executorId: string;
  readonly mode: Mode;
}

const IDENTITY_KEY = utf8Encode("identity");

export function writeIdentity(tables: Tables, { executorId, mode }: Identity): void {
  tables.meta.put(IDENTITY_KEY, new ByteWriter().text(executorId).text(mode).finish());
}

/** Throws a Refusal, ledger_unavailable, if there is none. */
export function readIdentity(tables: Tables): Identity {
  const row = tables.meta.get(IDENTITY_KEY);
  if (row === undefined) throw damaged();
  const reader = new ByteReader(row);
  const executorId = reader.text();
  const mode = reader.text();
  reader.end();
  if (mode !== "enforced" && mode !== "demo") throw damaged();
  return { executorId, mode };
}

/** Throws LedgerOpenError, other_identity. An `executorId` of null accepts any. */
export function checkIdentity(
  stored: Identity,
  wanted: { executorId: string | null; mode: Mode },
): void {
  if (wanted.executorId !== null && wanted.executorId !== stored.executorId) {
    throw otherIdentity(`executor ${stored.executorId}`, `executor_id = "${stored.executorId}"`);
  }
  if (wanted.mode !== stored.mode) {
    throw otherIdentity(`${stored.mode} mode`, `mode = "${stored.mode}"`);
  }
}

function otherIdentity(whose: string, setting: string): LedgerOpenError {
  return new LedgerOpenError(
    "other_identity",
    `The state directory belongs to ${whose}`,
    `set ${setting}, or choose another state_dir`,
  );
}

/** Returns a name that is unique by its random bits. */
export function randomExecutorId(): string {
  return `openexec:${crypto.randomUUID()}`;
}
