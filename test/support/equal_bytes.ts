/**
 * Set up for every file: bytes are equal when their contents are. Vitest compares them one by one,
 * as properties of objects, which takes 20 s for the result that fills a small disk.
 */

import { Buffer } from "node:buffer";
import { expect } from "vitest";

/** Of files that share a process, the first does it for all. */
const DONE = Symbol.for("bytes are compared as bytes");

if (!Reflect.has(globalThis, DONE)) {
  Reflect.set(globalThis, DONE, true);
  expect.addEqualityTesters([
    (one, other) =>
      one instanceof Uint8Array && other instanceof Uint8Array
        ? Buffer.compare(one, other) === 0
        : undefined,
  ]);
}
