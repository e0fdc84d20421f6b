/** Folders for this user only, made through the C library: which ones, the runtime's permissions do not know beforehand. */

import { dirname } from "node:path";
import { StartupError } from "../core/startup_error.ts";
import { cString, EEXIST, ENOENT, errno, errorText, folderCalls } from "./libc.ts";

/** Makes `path` and what is missing above it, each with mode 0700; what is there stays as it is. Throws a StartupError. */
export function makePrivateFolder(path: string): void {
  const reason = make(path);
  if (reason === 0 || reason === EEXIST) return;
  if (reason === ENOENT && dirname(path) !== path) {
    makePrivateFolder(dirname(path));
    return makePrivateFolder(path);
  }
  throw new StartupError(
    `${path} cannot be made: ${errorText(reason)}`,
    "Make it, owned by this user",
  );
}

function make(path: string): number {
  return folderCalls().mkdir(cString(path), 0o700) === 0 ? 0 : errno();
}
