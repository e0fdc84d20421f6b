/** Loads a configuration from text, as the daemon would from a file. */

import { utf8Encode } from "../../src/core/bytes.ts";
import { ConfigError, type ConfigProblem } from "../../src/config/config_error.ts";
import { environmentOf } from "../../src/config/environment.ts";
import { loadConfig, type LoadedConfig, type LoadRequest } from "../../src/config/load.ts";

export const FILE = "/etc/openexec/openexec.toml";

/** Public halves of keys whose private halves nobody has. */
export const KEYS = [
  "ed25519:2O8Db2WJ1g0bhDJFfcnfRn9iKkIa5hPJo/d/7MGpHp8=",
  "ed25519:nnz7/+AaTBl/KG1v/EfG89yrYnDnorr3SHP8pewDgBY=",
] as const;

export interface Given {
  readonly environment?: Readonly<Record<string, string>>;
  readonly overrides?: Partial<LoadRequest["overrides"]>;
  readonly config?: string;
  readonly developmentKey?: LoadRequest["developmentKey"];
}

/** null: there is no file. */
export type Content = string | Uint8Array | null;

export function load(content: Content, given: Given = {}): LoadedConfig {
  return loadConfig({
    config: given.config ?? null,
    overrides: { state: null, socket: null, mode: null, ...given.overrides },
    environment: environmentOf({ HOME: "/home/u", ...given.environment }),
    cwd: "/here",
    read: (path) => {
      if (content === null || path !== (given.config ?? FILE)) return undefined;
      return typeof content === "string" ? utf8Encode(content) : content;
    },
    developmentKey: given.developmentKey ?? (() => null),
  });
}

/** The problems that keep it from loading; fails when it loads. */
export function problemsOf(content: Content, given: Given = {}): readonly ConfigProblem[] {
  try {
    load(content, given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error("the configuration loads");
}
