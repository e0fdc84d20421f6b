/**
 * The files of the review page, as a browser gets them.
 *
 * A checkout needs no build: the page's script is our own source files without their types, and the
 * packages that they import, joined into one. A program that was built has one module already.
 *
 * Invariant: the files are read once, on first use, from the folders of the program. No request
 * names a path.
 */

import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { modulesOf } from "../../os/javascript.ts";
import { program } from "../../os/program.ts";
import { joined } from "../../os/joined.ts";

export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** The same bytes as gzip (RFC 1952). */
  readonly gzip: Uint8Array;
}

/** The page itself; every other file stands below it. */
export const PAGE_INDEX = "index.html";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

let files: ReadonlyMap<string, PageFile> | undefined;

/** Returns file name to file. */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  return files ??= new Map(
    [...namesAndTexts()].map(([name, text]) => [name, fileOf(name, text)]),
  );
}

function fileOf(name: string, text: string): PageFile {
  const bytes = new TextEncoder().encode(text);
  const type = TYPES[name.slice(name.lastIndexOf("."))] ?? "application/octet-stream";
  return { type, bytes, gzip: gzipSync(bytes) };
}

function* namesAndTexts(): Iterable<readonly [string, string]> {
  const { folder, script } = program.page;
  for (const name of [PAGE_INDEX, "page.css"]) {
    yield [name, Deno.readTextFileSync(join(folder, name))];
  }
  yield ["main.js", joined(pageModules(script), fileOfSpecifier)];
}

/** An import of a package: its specifier is the first group. */
const PACKAGE_IMPORT = /\bfrom "(@noble\/[^"]+)"/g;

/** The modules of the packages that the page imports, and then its own: file to JavaScript. */
function pageModules(entry: string): ReadonlyMap<string, string> {
  const own = modulesOf(entry);
  const specifiers = [...own.values()].flatMap((text) =>
    [...text.matchAll(PACKAGE_IMPORT)].map(([, specifier = ""]) => specifier)
  );
  const packages = [...new Set(specifiers)].flatMap((specifier) => [
    ...modulesOf(packageFile(specifier)),
  ]);
  return new Map([...packages, ...own]);
}

function fileOfSpecifier(specifier: string, importer: string): string {
  return specifier.startsWith(".") ? join(dirname(importer), specifier) : packageFile(specifier);
}

/** A package's own name stands for its index.js; a name below it is a file. */
function packageFile(specifier: string): string {
  const file = join(program.packages, specifier);
  return specifier.endsWith(".js") ? file : join(file, "index.js");
}
