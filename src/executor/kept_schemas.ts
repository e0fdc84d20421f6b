/**
 * What handlers take and give, kept from start to start: to read it takes a worker for each module, and says the same each time,
 * since whatever stands in a handler's file can reach nothing where it is read.
 *
 * Invariant: what was kept is used only for the very code that it was read from, with the harness, the modules, the converter and
 * the runtime that it was read with. Anything else is read anew, and a handler that could not be used leaves nothing.
 */

import { join } from "node:path";
import type { HandlerCode } from "../actions/pin.ts";
import { utf8Encode } from "../core/encoding.ts";
import { digestOf } from "../core/sha.ts";
import { type HandlerSchemas, identityOf, schemaOf } from "./describe.ts";
import { KeptTexts } from "./kept_texts.ts";
import type { ExecutorLayout } from "./layout.ts";

export class KeptSchemas {
  readonly #texts: KeptTexts;

  /** The layout's files are written. */
  constructor(layout: ExecutorLayout, converter: HandlerCode) {
    const files = [layout.harness, ...layout.copies.values()];
    const digests = files.map((file) => digestOf(Deno.readFileSync(file)));
    const circumstances = digestOf(
      utf8Encode([Deno.version.deno, converter.digest, ...digests].join(" ")),
    );
    this.#texts = new KeptTexts(join(layout.directory, "schemas.json"), circumstances);
  }

  of(handler: HandlerCode): HandlerSchemas | undefined {
    const [input, output] = namesOf(handler).map((name) => this.#texts.get(name));
    if (input === undefined || output === undefined) return undefined;
    return { input: schemaOf(input), output: schemaOf(output) };
  }

  /** Keeps these, and no others. */
  keep(known: Iterable<readonly [HandlerCode, HandlerSchemas]>): void {
    const texts = new Map<string, string>();
    for (const [handler, { input, output }] of known) {
      const [inputName, outputName] = namesOf(handler);
      texts.set(inputName, JSON.stringify(input)).set(outputName, JSON.stringify(output));
    }
    this.#texts.keep(texts);
  }
}

/** Of what it takes, and of what it gives. */
function namesOf(handler: HandlerCode): readonly [string, string] {
  const identity = identityOf(handler);
  return [`${identity} input`, `${identity} output`];
}
