/**
 * The flags of `serve`, and a short way to them: the parser of the command line takes longer to load than the first stage of
 * `serve` takes for all that it does.
 */

import type { Mode } from "../core/types.ts";

export interface ServeFlags {
  readonly config?: string;
  readonly state?: string;
  readonly socket?: string;
  readonly mode?: Mode;
  readonly json?: true;
}

const FLAG = /^--(config|state|socket|mode)$/;

/**
 * What `serve --config FILE` and its like say, each flag at most once; undefined for anything else, which is for the parser to
 * understand, or to refuse.
 */
export function plainServeFlags([command, ...rest]: readonly string[]): ServeFlags | undefined {
  if (command !== "serve" || rest.length % 2 !== 0) return undefined;
  const values = new Map<string, string>();
  for (let i = 0; i < rest.length; i += 2) {
    const name = FLAG.exec(rest[i] ?? "")?.[1];
    const value = rest[i + 1];
    if (name === undefined || value === undefined || value.startsWith("-") || values.has(name)) {
      return undefined;
    }
    values.set(name, value);
  }
  const mode = values.get("mode");
  if (mode !== undefined && !isMode(mode)) return undefined;
  return { ...Object.fromEntries(values), ...(mode === undefined ? {} : { mode }) };
}

function isMode(text: string): text is Mode {
  return text === "enforced" || text === "demo";
}

/** The arguments that say the same. */
export function argumentsOf(flags: ServeFlags): string[] {
  return Object.entries(flags).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)]
  );
}
