/**
 * What the first stage of `serve` leaves for the second in its environment: the configuration, read and checked once, so that the
 * permissions of the second stage are of the very file that it serves; and the examiner that was begun.
 *
 * Nobody else leaves one: the first stage gives the second all of its variables, and looks for none of this name itself.
 */

import { HANDOVER_VARIABLE, readHandover } from "../config/environment.ts";
import type { LoadedConfig } from "../config/load.ts";
import { hexDecode, hexEncode, utf8Encode } from "../core/encoding.ts";
import type { BegunExaminer } from "../executor/examiner.ts";

/** What a start needs of a configuration that was loaded. */
export type Loaded = Pick<LoadedConfig, "config" | "warnings">;

export interface Handover {
  /** null where the second stage has to read it: the embedded default, whose key it makes, and one that is too long. */
  readonly loaded: Loaded | null;
  readonly examiner: BegunExaminer | null;
}

/** The kernel takes 128 KiB for one variable. */
const BYTES_MAX = 100_000;

/** As variables for the next program in this process. */
export function handoverVariables(
  loaded: Loaded | null,
  examiner: BegunExaminer | null,
): Record<string, string> {
  const whole = textOf({ loaded, examiner });
  return {
    [HANDOVER_VARIABLE]: utf8Encode(whole).length <= BYTES_MAX
      ? whole
      : textOf({ loaded: null, examiner }),
  };
}

/** What was left for this process; nothing where it was given the second stage's permissions by hand. */
export function takeHandover(): Handover {
  const text = readHandover();
  return text === null ? { loaded: null, examiner: null } : handoverOf(text);
}

/** JSON, with names for the three kinds of object that it has none for. */
export function textOf(handover: Handover): string {
  return JSON.stringify(handover, (_, value: unknown) => {
    if (value instanceof Map) return { $map: [...value] };
    if (value instanceof Set) return { $set: [...value] };
    return value instanceof Uint8Array ? { $bytes: hexEncode(value) } : value;
  });
}

/** Of what `textOf` made, and of nothing else. */
export function handoverOf(text: string): Handover {
  const handover: Handover = JSON.parse(text, (_, value) => {
    if (typeof value !== "object" || value === null) return value;
    if ("$map" in value) return new Map(value.$map);
    if ("$set" in value) return new Set(value.$set);
    return "$bytes" in value ? hexDecode(value.$bytes) : value;
  });
  return handover;
}
