/** Writes docs/malformed-requests.md: `deno run -A test/server/malformed_table.ts`. */

import { MALFORMED_REQUESTS, type MalformedRequest, ODD_REQUESTS } from "./malformed_requests.ts";

export const TABLE_FILE = new URL("../../docs/malformed-requests.md", import.meta.url);

export function malformedTable(): string {
  const counts = new Map<string, number>();
  for (const { outcome } of MALFORMED_REQUESTS) {
    counts.set(String(outcome), (counts.get(String(outcome)) ?? 0) + 1);
  }
  const sums = [...counts].sort().map(([outcome, count]) => `${count} × ${outcome}`).join(", ");
  return [
    "# Malformed requests",
    "",
    "Made from test/server/malformed_requests.ts, whose tests send each to the real server over a real socket, whole and byte by",
    "byte (long ones in small pieces), and hold it to the outcome below. None is executed, none hangs, none is a 5xx; `closed` is a",
    "connection that ends without a word. Where the framing is in doubt, a well-formed `POST /execute` follows in the same bytes, and is",
    "never served.",
    "",
    `${MALFORMED_REQUESTS.length} requests: ${sums}.`,
    "",
    ...rows(MALFORMED_REQUESTS),
    "",
    "## Odd, and well-formed",
    "",
    "RFC 9110 and 9112 allow these, so each is executed. The test sends them in the same manner.",
    "",
    ...rows(ODD_REQUESTS),
    "",
  ].join("\n");
}

function rows(requests: readonly MalformedRequest[]): string[] {
  return [
    "| request | outcome |",
    "|---|---|",
    ...requests.map(({ name, outcome }) => `| ${name.replaceAll("|", "\\|")} | ${outcome} |`),
  ];
}

if (import.meta.main) Deno.writeTextFileSync(TABLE_FILE, malformedTable());
