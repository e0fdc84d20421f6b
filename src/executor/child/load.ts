/**
 * Loads code into an executor: the library that harness and handlers share, once for both, and a
 * handler, up to right before its first statement. The handler is fetched, compiled and linked, and
 * nothing of it, nor of what it imports, has run.
 *
 * Invariant: modules are evaluated in the order in which they are imported (ECMA-262, section
 * 16.2.1.6.1.3), so whatever stands before the handler ends first. That is the gate: it returns
 * when there is work, and meanwhile this thread runs nothing else.
 */

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

/** Name of the symbol under which the gate stands until it is passed (Symbol.for). */
const GATE = "openexec.gate";

export interface HeldImport {
  /** The handler's module, or why there is none. */
  readonly module: Promise<unknown>;
  /** Resolves when the gate has returned, also where the module was none to begin with. */
  readonly passed: Promise<void>;
}

/** Imports a handler and stops there, until `gate` returns, which is called once. */
export function importHeld(url: string, gate: () => void): HeldImport {
  const passed = Promise.withResolvers<void>();
  const key = Symbol.for(GATE);
  let isPassed = false;
  const pass = (): void => {
    if (isPassed) return; // and the handler failed, or called it
    isPassed = true;
    Reflect.deleteProperty(globalThis, key);
    gate();
    passed.resolve();
  };
  Object.defineProperty(globalThis, key, { configurable: true, value: pass });
  // an address is evaluated once, so that each handler has a gate of its own
  const first = addressOf(`globalThis[Symbol.for("${GATE}")](); // ${url}`);
  const entry = `import ${JSON.stringify(first)};` +
    `export * as handler from ${JSON.stringify(url)};`;
  const module = import(addressOf(entry)).then(({ handler }: { handler: unknown }) => handler);
  module.catch(pass);
  return { module, passed: passed.promise };
}

function addressOf(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
