/** Where executors find their program and what handlers import: paths in `<state>/executors/`, known before anything is there. */

import { join } from "node:path";
import { program } from "../os/program.ts";
import type { Code } from "./protocol.ts";

/** In the state directory. */
export const EXECUTORS_DIRECTORY = "executors";

/** Absolute paths. */
export interface ExecutorLayout {
  /** The caller's alone. */
  readonly directory: string;
  readonly importMap: string;
  /** Folder of what handlers may import besides `node:` modules, and its files by specifier. */
  readonly modules: string;
  readonly copies: ReadonlyMap<string, string>;
  /** Folder of the program that executors run, where it has to be copied; null where it is JavaScript already. */
  readonly program: string | null;
  /** What an executor is started with. */
  readonly entry: string;
  /** What runs in each of its workers. */
  readonly harness: string;
}

export function layoutOf(directory: string): ExecutorLayout {
  const modules = join(directory, "modules");
  const specifiers = [...program.handlerModules.keys()];
  const folder = program.executor.endsWith(".ts") ? join(directory, "program") : null;
  const copied = (file: string) => folder === null ? file : copyOf(file, folder);
  return {
    directory,
    importMap: join(directory, "import_map.json"),
    modules,
    copies: new Map(
      specifiers.map((specifier) => [specifier, join(modules, `${specifier}.mjs`)]),
    ),
    program: folder,
    entry: copied(program.executor),
    harness: copied(program.worker),
  };
}

/** Throws where it is not there. */
export function harnessOf({ harness }: ExecutorLayout): Code {
  return { text: Deno.readTextFileSync(harness), language: "javascript" };
}

/** Where in `folder` the copy of one of our own TypeScript files is. */
export function copyOf(file: string, folder: string): string {
  return join(folder, file.slice(program.root.length).replace(/\.ts$/, ".js"));
}
