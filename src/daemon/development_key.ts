/**
 * Makes what the embedded default needs on its first start: folders for its sockets, and an
 * approver key. Agents of this user can read that key, so it proves intent and nothing more.
 */

import { dirname } from "node:path";
import {
  formatApproverKey,
  InvalidApproverKey,
  newApproverKey,
  parseApproverKey,
} from "../client/approver_key.ts";
import type { Config } from "../config/config.ts";
import {
  DEVELOPMENT_APPROVER,
  DEVELOPMENT_KEYID,
  type DevelopmentKey,
} from "../config/defaults.ts";
import { StartupError } from "../core/startup_error.ts";
import { makePrivateFolder } from "../os/files.ts";
import { createPrivateFile, readPrivateFile } from "../os/private_file.ts";

/** Reads the key file, or makes it with mode 0600. Throws a StartupError for anything else. */
export function developmentKey(file: string): DevelopmentKey {
  const existing = readPrivateFile(file);
  if (existing !== null) return parsed(file, existing);
  Deno.mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const key = newApproverKey({ keyid: DEVELOPMENT_KEYID, name: DEVELOPMENT_APPROVER });
  // another start may have been faster
  return createPrivateFile(file, formatApproverKey(key)) ? key : developmentKey(file);
}

function parsed(file: string, text: string): DevelopmentKey {
  try {
    return parseApproverKey(text);
  } catch (error) {
    if (!(error instanceof InvalidApproverKey)) throw error;
    throw new StartupError(
      `${file} is no approver key: ${error.message}`,
      "remove it, and the next start makes a new one",
    );
  }
}

/**
 * Makes the folders of the embedded default's sockets, for this user only. A configuration file
 * names folders that its author makes.
 */
export function makeSocketFolders({ path, sockets }: Config): void {
  if (path !== null) return;
  for (const socket of sockets) makePrivateFolder(dirname(socket.path));
}
