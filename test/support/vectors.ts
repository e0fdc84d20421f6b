/** The vector files of test/vectors. A loader throws when it finds another number of cases than it declares. */

import { readFileSync } from "node:fs";
import * as v from "valibot";

function load<T extends { cases: readonly unknown[] }>(
  file: string,
  count: number,
  schema: v.GenericSchema<unknown, T>,
): T {
  const path = new URL(`../vectors/${file}`, import.meta.url);
  const vectors = v.parse(schema, JSON.parse(readFileSync(path, "utf8")));
  if (vectors.cases.length !== count) {
    throw new Error(`${file} holds ${vectors.cases.length} cases, not ${count}`);
  }
  return vectors;
}

const CANONICAL = v.object({
  cases: v.array(v.object({
    name: v.string(),
    action: v.string(),
    payload_text: v.string(),
    canonical: v.optional(v.string()),
    action_digest: v.optional(v.string()),
    refused: v.optional(v.string()),
  })),
});

export function canonicalVectors() {
  return load("canonical_json.json", 28, CANONICAL).cases;
}
