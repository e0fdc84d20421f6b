/**
 * Makes two texts of a library that handlers import: a script that evaluates to it, and a module
 * that hands on what the script gave.
 *
 * The runtime analyses a module whenever it is imported, also when it is loaded already: valibot
 * takes it 26 ms of processor each time, three times for each run. A script is compiled once, in 2.
 */

import { StartupError } from "../core/startup_error.ts";
import { LIBRARY } from "./protocol.ts";

export interface Library {
  /** The body of a function that returns an object with the exports as members. */
  readonly script: string;
  /** A module with the same exports, of the object under LIBRARY. */
  readonly module: string;
}

/** The one export statement of a minified module, at its end. */
const EXPORTS = /\bexport\s*\{([^{}]*)\};?\s*(?:\/\/[^\n]*\s*)?$/;

/** Throws a StartupError for a module that has another shape than a minified one. */
export function libraryOf(file: string, text: string): Library {
  const [statement, list = ""] = EXPORTS.exec(text) ?? [];
  const body = statement === undefined ? "" : text.slice(0, -statement.length);
  if (body === "" || /(?:^|[;}])(?:import|export)\b/m.test(body)) {
    throw new StartupError(`${file} is not the library that it should be`, "Install openexec anew");
  }
  const names = list.split(",").map((item) => item.trim().split(/\s+as\s+/));
  const members = names.map(([local = "", exported = local]) => `${quoted(exported)}:${local}`);
  const locals = names.map(([local = "", exported = local], i) => `x${i}=V[${quoted(exported)}]`);
  const handedOn = names.map(([local = "", exported = local], i) => `x${i} as ${exported}`);
  return {
    script: `"use strict";${body};return{${members.join()}};`,
    module: `const V=globalThis[Symbol.for(${quoted(LIBRARY)})],${locals.join()};` +
      `export{${handedOn.join()}};\n`,
  };
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
