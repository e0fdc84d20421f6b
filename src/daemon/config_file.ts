/** Reads the configuration's file, for loadConfig(). */

import { ConfigError } from "../config/config_error.ts";
import { StartupError } from "../core/startup_error.ts";
import { readRegularFile } from "../os/regular_file.ts";

/** Returns undefined when there is no such file. Throws a ConfigError when it cannot be read. */
export function readConfigFile(path: string): Uint8Array | undefined {
  try {
    return readRegularFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new ConfigError([{ source: path, line: null, key: "", message: reasonOf(error) }]);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof StartupError) return "no regular file, or far too long";
  return `cannot be read: ${error instanceof Error ? error.name : "error"}`;
}
