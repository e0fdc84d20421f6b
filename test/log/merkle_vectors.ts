/** test/vectors/merkle.json: trees, proofs and a checkpoint that another implementation made. */

import { readFileSync } from "node:fs";
import * as v from "valibot";
import { base64Decode } from "../../src/core/bytes.ts";

const bytes = v.pipe(
  v.string(),
  v.transform((text) => base64Decode(text)),
  v.instance(Uint8Array),
);
const whole = v.number();

const schema = v.object({
  leaves: v.pipe(v.array(bytes), v.length(21)),
  roots: v.pipe(v.array(bytes), v.length(22)),
  inclusion: v.pipe(
    v.array(v.object({ size: whole, index: whole, proof: v.array(bytes) })),
    v.length(18),
  ),
  consistency: v.pipe(
    v.array(v.object({ from: whole, to: whole, proof: v.array(bytes) })),
    v.length(9),
  ),
  checkpoint: v.object({
    origin: v.string(),
    seed_hex: v.string(),
    vkey: v.string(),
    size: whole,
    signed_note: v.string(),
  }),
});

const file = new URL("../vectors/merkle.json", import.meta.url);

/** Parsing fails when the file holds fewer vectors than are declared here. */
export const vectors = v.parse(schema, JSON.parse(readFileSync(file, "utf8")));
