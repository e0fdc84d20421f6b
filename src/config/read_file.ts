/** The configuration file, from the disk. */

import { ConfigError } from "./config_error.ts";

/** For `LoadRequest.read`: undefined when there is no such file; throws a ConfigError when it cannot be read. */
export function readConfigFile(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    const cause = error instanceof Error ? error.name : "error";
    throw new ConfigError([{
      source: path,
      line: null,
      key: "",
      message: `cannot be read: ${cause}`,
    }]);
  }
}
