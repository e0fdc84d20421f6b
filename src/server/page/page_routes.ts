/** The review page: static files, each with the headers that keep every other page away from it. */

import { Refusal } from "../../core/errors.ts";
import type { Call } from "../call.ts";
import { type Fields, valuesOf } from "../head.ts";
import { PAGE_INDEX, pageFiles } from "./page_files.ts";
import type { Reply } from "../reply.ts";

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
