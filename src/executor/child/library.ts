/** Loads the library that harness and handlers share, once for both. */

import { LIBRARY } from "../protocol.ts";

type Valibot = Pick<typeof import("valibot"), "safeParse" | "strictObject">;

/** `script` is the body of a function that returns the library. */
export function loadLibrary(script: string): Valibot {
  const load: unknown = Reflect.construct(Function, [script]);
  const library: unknown = typeof load === "function" ? load() : undefined;
  if (!isValibot(library)) throw new TypeError("the library is not valibot");
  Object.defineProperty(globalThis, Symbol.for(LIBRARY), { value: library });
  return library;
}

function isValibot(value: unknown): value is Valibot {
  return typeof value === "object" && value !== null && "safeParse" in value &&
    "strictObject" in value;
}
