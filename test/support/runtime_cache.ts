/** Where the runtime keeps compiled code between starts. */

import { join } from "node:path";

/**
 * The cache of this user, for processes that a test starts with a home of their own. Without it
 * each compiles every source file again: half a second of work for a command, more for a daemon.
 */
export const RUNTIME_CACHE = {
  DENO_DIR: Deno.env.get("DENO_DIR") ??
    join(Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/", ".cache"), "deno"),
};

/** Variable that names the folder of caches of users that a test makes up; unset outside of tests. */
export const OTHERS_CACHES = "OPENEXEC_TEST_CACHES";

/** The cache of such a user, whom that of this user is closed to. */
export function cacheOfOther(uid: string): Record<string, string> {
  const folder = Deno.env.get(OTHERS_CACHES);
  return folder === undefined ? {} : { DENO_DIR: join(folder, uid) };
}

/** Variables of a home of its own, with that cache. */
export function homeAt(folder: string): Record<string, string> {
  return { HOME: folder, ...RUNTIME_CACHE };
}
