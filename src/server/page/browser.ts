/**
 * Web pages that ask through a socket: over a forwarded port, any page in a person's browser can
 * reach it, so only our own page on localhost may.
 *
 * Invariant: a request that a foreign page caused is refused before a route is looked for. A
 * browser cannot leave out or forge Host, Origin (Fetch Standard, section 3.1) and Sec-Fetch-Site
 * (Fetch Metadata Request Headers, section 2.4); DNS rebinding shows in Host. A program can forge
 * all three, and gains nothing: a decision counts by its signature alone.
 */

import { Refusal } from "../../core/errors.ts";
import type { Role } from "../../core/types.ts";
import { type Fields, type Head, valuesOf } from "../head.ts";

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
