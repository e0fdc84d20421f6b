/**
 * Makes what the embedded default needs on its first start: folders for its sockets, and an
 * approver key. Agents of this user can read that key, so it proves intent and nothing more.
 */

import { dirname } from "node:path";
import { formatApproverKey, newApproverKey, parseApproverKey } from "../client/approver_key.ts";
import type { Config } from "../config/config.ts";
import {
  DEVELOPMENT_APPROVER,
  DEVELOPMENT_KEYID,
  type DevelopmentKey,
} from "../config/defaults.ts";
import { makePrivateFolder } from "../os/files.ts";

/** Reads the key file, or makes it with mode 0600. Throws InvalidApproverKey for anything else. */
export function developmentKey(file: string): DevelopmentKey {
  const existing = readIfThere(file);
  if (existing !== null) return parseApproverKey(existing);
  const key = newApproverKey({ keyid: DEVELOPMENT_KEYID, name: DEVELOPMENT_APPROVER });
  Deno.mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  Deno.writeTextFileSync(file, formatApproverKey(key), { createNew: true, mode: 0o600 });
  return key;
}

/**
 * Makes the folders of the embedded default's sockets, for this user only. A configuration file
 * names folders that its author makes.
 */
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
