/**
 * What handlers take and give, kept from start to start: to read it takes a worker for each module, and says the same each time,
 * since whatever stands in a handler's file can reach nothing where it is read.
 *
 * Invariant: what was kept is used only for the very code that it was read from, with the modules, the converter and the runtime
 * that it was read with. Anything else is read anew, and a handler that could not be used leaves nothing.
 */

import { join } from "node:path";
import type { HandlerCode } from "../actions/pin.ts";
import { utf8Encode } from "../core/encoding.ts";
import { digestOf } from "../core/sha.ts";
import { array, members, string } from "../core/shape.ts";
import type { Digest } from "../core/types.ts";
import { type HandlerSchemas, identityOf, schemaOf } from "./describe.ts";
import type { ExecutorLayout } from "./layout.ts";

const isKept = members({
  /** Of all that had a part in it. */
  circumstances: string,
  /** JSON texts. */
  schemas: array(members({ handler: string, input: string, output: string })),
});

export class KeptSchemas {
  readonly #file: string;
  readonly #circumstances: Digest;
  readonly #kept: ReadonlyMap<string, HandlerSchemas>;

  /** The layout's files are written. */
  constructor({ directory, copies }: ExecutorLayout, converter: HandlerCode) {
    this.#file = join(directory, "schemas.json");
    const modules = [...copies.values()].map((copy) => digestOf(Deno.readFileSync(copy)));
    this.#circumstances = digestOf(utf8Encode([Deno.version.deno, converter.digest, ...modules].join(" ")));
    this.#kept = read(this.#file, this.#circumstances);
  }

  of(handler: HandlerCode): HandlerSchemas | undefined {
    return this.#kept.get(identityOf(handler));
  }

  /** Keeps these, and no others. */
  keep(known: Iterable<readonly [HandlerCode, HandlerSchemas]>): void {
    const schemas = new Map([...known].map(([handler, schemas]) => [identityOf(handler), schemas]));
    const isKnown = [...schemas.keys()].every((identity) => this.#kept.has(identity));
    if (isKnown && schemas.size === this.#kept.size) return;
    const entries = Array.from(schemas, ([handler, { input, output }]) => ({
      handler,
      input: JSON.stringify(input),
      output: JSON.stringify(output),
    }));
    const text = JSON.stringify({ circumstances: this.#circumstances, schemas: entries });
    Deno.writeTextFileSync(this.#file, text, { mode: 0o600 });
  }
}

/** Nothing where it cannot be used, a file that was cut short among it. */
function read(file: string, circumstances: Digest): ReadonlyMap<string, HandlerSchemas> {
  try {
    const kept: unknown = JSON.parse(Deno.readTextFileSync(file));
    if (!isKept(kept) || kept.circumstances !== circumstances) return new Map();
    return new Map(
      kept.schemas.map(({ handler, input, output }) =>
        [handler, { input: schemaOf(input), output: schemaOf(output) }] as const
      ),
    );
  } catch {
    return new Map();
  }
}
