/**
 * What the embedded default needs and makes on first start: folders for its sockets, and an approver key that this user's
 * agents can read as well, so that it proves nothing but intent.
 */

import { dirname } from "node:path";
import { formatApproverKey, newApproverKey, parseApproverKey } from "../client/approver_key.ts";
import type { Config } from "../config/config.ts";
import { makePrivateFolder } from "../os/files.ts";
import {
  DEVELOPMENT_APPROVER,
  DEVELOPMENT_KEYID,
  type DevelopmentKey,
} from "../config/defaults.ts";

/** Reads the key file, or makes it with mode 0600. Throws InvalidApproverKey for a file that is something else. */
export function developmentKey(file: string): DevelopmentKey {
  const existing = readIfThere(file);
  if (existing !== null) return parseApproverKey(existing);
  const key = newApproverKey({ keyid: DEVELOPMENT_KEYID, name: DEVELOPMENT_APPROVER });
  Deno.mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  Deno.writeTextFileSync(file, formatApproverKey(key), { createNew: true, mode: 0o600 });
  return key;
}

/** The folders of the embedded default's sockets, for this user only. Those of a configuration file are its author's. */
export function makeSocketFolders({ path, sockets }: Config): void {
  if (path !== null) return;
  for (const socket of sockets) makePrivateFolder(dirname(socket.path));
}

function readIfThere(file: string): string | null {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
