/**
 * The review page: which pages may ask through a socket, the page's files, and the headers that
 * keep every other page away from it.
 *
 * A checkout needs no build: the page's script is our own source files without their types, and the
 * packages that they import, joined into one. A program that was built has one module already.
 *
 * Invariants:
 * - Over a forwarded port, any page in a person's browser can reach a socket, so only our own page
 *   on localhost may ask. A request that a foreign page caused is refused before a route is looked
 *   for. A browser cannot leave out or forge Host, Origin (Fetch Standard, section 3.1) and
 *   Sec-Fetch-Site (Fetch Metadata Request Headers, section 2.4); DNS rebinding shows in Host. A
 *   program can forge all three, and gains nothing: a decision counts by its signature alone.
 * - The files are read once, on first use, from the folders of the program. No request names a
 *   path.
 */

import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { Refusal } from "../core/errors.ts";
import type { Role } from "../core/types.ts";
import { modulesOf } from "../os/javascript.ts";
import { joined } from "../os/joined.ts";
import { program } from "../os/program.ts";
import type { Call } from "./call.ts";
import { type Fields, type Head, valuesOf } from "./head.ts";
import type { Reply } from "./reply.ts";

/** The page itself, which a person may open by its address. */
export const PAGE_PATH = "/review";

/** Tells whether a Host field names this machine, by the one name that passkeys are bound to. */
export function isLocalhost(host: string): boolean {
  return /^localhost(:\d{1,5})?$/.test(host);
}

/** Throws a Refusal peer_denied. */
export function refuseForeignPages(role: Role, head: Head): void {
  const { method, path, fields } = head;
  const origin = valueOf(fields, "origin");
  const site = valueOf(fields, "sec-fetch-site");
  const isFromPage = origin !== null || site !== null;
  if (role !== "approver") {
    if (isFromPage) throw denied("No web page may ask on this socket.");
    return;
  }
  const host = valueOf(fields, "host");
  if (host !== null && !isLocalhost(host)) {
    throw denied("The Host field of this socket is localhost, with or without a port.");
  }
  if (!isFromPage) return;
  const isOpened = site === "none" && method === "GET" && path === PAGE_PATH;
  if (origin !== null && origin !== `http://${host}`) throw denied("Another page asks.");
  if (site !== null && site !== "same-origin" && !isOpened) throw denied("Another page asks.");
  if (method !== "GET") requireOwnScript(fields);
}

/** A form of another page can send neither of the two without asking first (CORS). */
function requireOwnScript(fields: Fields): void {
  const type = valueOf(fields, "content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json" || valueOf(fields, "x-openexec") !== "1") {
    throw denied("A page posts application/json, with X-OpenExec: 1.");
  }
}

function denied(detail: string): Refusal {
  return new Refusal("peer_denied", detail);
}

/** All values under a name, joined: a repeated field equals none that is allowed. */
function valueOf(fields: Fields, name: string): string | null {
  const values = valuesOf(fields, name);
  return values.length === 0 ? null : values.join(", ");
}

/**
 * Content Security Policy Level 3: nothing but our own files, no frame around the page, no form,
 * and no text that becomes code (Trusted Types).
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "worker-src 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** They stand on every answer of an approver's socket. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": POLICY,
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

export function page({ fields }: Call): Reply {
  return fileReply(PAGE_INDEX, fields);
}

/** Throws a Refusal route_not_found. */
export function pageFile({ parameter, fields }: Call): Reply {
  return fileReply(parameter, fields);
}

function fileReply(name: string, fields: Fields): Reply {
  const file = pageFiles().get(name);
  if (file === undefined) throw new Refusal("route_not_found");
  const headers = { "content-type": file.type };
  return takesGzip(fields)
    ? { status: 200, headers: { ...headers, "content-encoding": "gzip" }, body: file.gzip }
    : { status: 200, headers, body: file.bytes };
}

/** A browser's list (RFC 9110 section 12.5.3); who gives weights gets the plain bytes. */
function takesGzip(fields: Fields): boolean {
  return valuesOf(fields, "accept-encoding").some((value) =>
    value.split(",").some((coding) => coding.trim() === "gzip")
  );
}

export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** The same bytes as gzip (RFC 1952). */
  readonly gzip: Uint8Array;
}

/** The page itself; every other file stands below it. */
const PAGE_INDEX = "index.html";

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
