/** The configuration file and real paths, from the disk. */

import { ConfigError } from "./config_error.ts";
import type { RealPath } from "./overlaps.ts";

/** For `LoadRequest.read`: undefined when there is no such file; throws a ConfigError when it cannot be read. */
export function readConfigFile(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    const cause = error instanceof Error ? error.name : "error";
    throw new ConfigError([{ source: path, line: null, key: "", message: `cannot be read: ${cause}` }]);
  }
}

/**
 * For `checkPaths`: undefined for what is not there or may not be looked at by this user, whose handlers may not either.
 * What only the runtime's permissions forbid is thrown, because it says nothing of what is there.
 */
export const realPath: RealPath = (path) => {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
};
