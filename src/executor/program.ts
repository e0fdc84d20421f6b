/**
 * Writes all that executors load into `<state>/executors/` before the first one starts: their
 * program as one script, and what handlers may import.
 *
 * An executor has nowhere to keep what the runtime makes of a module. So the runtime would strip
 * types at every start, try for 150 ms to keep the result, and analyse each module anew. A script
 * has no types, and as a text inside of a module it is not analysed.
 *
 * Invariant: a handler imports `openexec`, `valibot` and the runtime's `node:` modules, and no
 * file: the import map (HTML Standard, section 8.1.5) leads `file:` nowhere. That holds for its
 * workers too, and for code that a library of ours makes for it, which imports as the program does.
 */

import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { StartupError } from "../core/startup_error.ts";
import { javascriptOf, modulesOf } from "../os/javascript.ts";
import { joined } from "../os/joined.ts";
import { program } from "../os/program.ts";
import { type Code, LIBRARY } from "./protocol.ts";

/** In the state directory. */
export const EXECUTORS_DIRECTORY = "executors";

/** Absolute paths. */
export interface ExecutorProgram {
  /** The entry of an executor. */
  readonly main: string;
  readonly importMap: string;
  /** Holds the modules that handlers may import besides `node:` ones. */
  readonly modules: string;
  /** The body of a function that returns valibot. */
  readonly library: string;
  /** All that an executor reads of its own: these files and folders. */
  readonly files: readonly string[];
}

/** Replaces what `directory` holds of an earlier start. */
export function writeProgram(directory: string): ExecutorProgram {
  const modules = join(directory, "modules");
  const importMap = join(directory, "import_map.json");
  Deno.mkdirSync(modules, { recursive: true, mode: 0o700 });
  const valibot = program.handlerModules.get("valibot") ?? "";
  const library = libraryOf(valibot, Deno.readTextFileSync(valibot));
  const copies = [...program.handlerModules].map(([specifier, original]) => {
    const copy = join(modules, `${specifier}.mjs`);
    writeAnew(copy, original === valibot ? library.module : javascriptOf(original));
    return [specifier, copy] as const;
  });
  const main = join(directory, "main.js");
  writeAnew(importMap, importMapText(copies, modules, main));
  writeAnew(main, programText(program.executor));
  return { main, importMap, modules, library: library.script, files: [main, importMap, modules] };
}

/**
 * Returns the same code in JavaScript, each line where it was. Code stays as it is where it is
 * JavaScript already, or has syntax that is more than types, such as enums: that is left to the
 * runtime.
 */
export function scriptOf({ text, language }: Code): Code {
  if (language === "javascript") return { text, language };
  try {
    return { text: stripTypeScriptTypes(text), language: "javascript" };
  } catch {
    return { text, language };
  }
}

/** Returns a module that runs `entry` and what it imports. */
function programText(entry: string): string {
  const modules = [...modulesOf(entry)].map(([file, text]) =>
    // a function: in a text a $ of the folder's name would be a pattern
    [file, text.replaceAll("import.meta.dirname", () => JSON.stringify(dirname(file)))] as const
  );
  const script = joined(
    new Map(modules),
    (specifier, importer) =>
      specifier.startsWith(".") ? join(dirname(importer), specifier) : specifier,
  );
  const text = JSON.stringify(`"use strict";\n${script}//# sourceURL=openexec-executor.js\n`);
  return `import * as openexec from "openexec";\nnew Function("openexec", ${text})(openexec);\n`;
}

function importMapText(
  copies: readonly (readonly [string, string])[],
  modules: string,
  main: string,
): string {
  const nowhere = { "file:///": "nowhere:///" };
  const found = copies.map(([specifier, copy]) => [specifier, pathToFileURL(copy).href]);
  const own = pathToFileURL(main).href;
  const scopes = {
    // the entry: the runtime resolves it as well
    "file:///": { [own]: own },
    // handlers call what is there, and nothing that it calls is a way round
    [`${pathToFileURL(modules).href}/`]: nowhere,
  };
  return JSON.stringify({ imports: { ...nowhere, ...Object.fromEntries(found) }, scopes });
}

/** Leaves a file alone that holds that text already: writing over one waits for the disk. */
function writeAnew(file: string, text: string): void {
  if (textOf(file) !== text) Deno.writeTextFileSync(file, text, { mode: 0o600 });
}

function textOf(file: string): string | null {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Two texts of a library that handlers import: a script that evaluates to it, and a module that
 * hands on what the script gave.
 *
 * The runtime analyses a module whenever it is imported, also when it is loaded already: valibot
 * takes it 26 ms of processor each time, three times for each run. A script is compiled once, in 2.
 */
interface Library {
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
  const members = names.map(([local = "", exported = local]) =>
    `${JSON.stringify(exported)}:${local}`
  );
  const locals = names.map(([local = "", exported = local], i) =>
    `x${i}=V[${JSON.stringify(exported)}]`
  );
  const handedOn = names.map(([local = "", exported = local], i) => `x${i} as ${exported}`);
  return {
    script: `"use strict";${body};return{${members.join()}};`,
    module: `const V=globalThis[Symbol.for(${JSON.stringify(LIBRARY)})],${locals.join()};` +
      `export{${handedOn.join()}};\n`,
  };
}
