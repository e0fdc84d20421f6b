/** What a document says a command prints, compared with what it printed. */

import { expect } from "vitest";

export interface Places {
  /** The checkout, shown as /home/you/openexec. */
  readonly checkout: string;
  /** The home folder, shown as /home/you. */
  readonly home: string;
}

/** The same on every run, machine and clock: what changes is named instead. */
export function masked(text: string, { checkout, home }: Places): string {
  return text
    .replaceAll("\r", "")
    .replaceAll(checkout, "/home/you/openexec")
    .replaceAll(home, "/home/you")
    .replace(/^warning: (running as root|source repository is shallow).*\n/gm, "")
    .replace(/\b(openexec[ @]|Deno )\d+\.\d+\.\d+/g, "$1VERSION")
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "UUID")
    .replace(/\b[0-9a-f]{64}\b/g, "SHA256")
    .replace(/\bkey-[0-9a-f]{16}\b/g, "key-KEYID")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME")
    .replace(/\(in \d+ s\)/g, "(in N s)")
    .replace(/\d+ s ago/g, "N s ago")
    .replace(/\bin \d+ min\b/g, "in N min")
    .replace(/\b(uid|pid) \d+/g, "$1 N")
    .replace(/\b(entry|receipt|of|and|consistency) \d+/g, "$1 N")
    .replace(/\b\d+ entries\b/g, "N entries")
    .replace(/"log_index": ?\d+/g, '"log_index": N')
    .replace(/[A-Za-z0-9+/]{40,}={0,2}/g, "BASE64")
    .replace(/[ \t]+$/gm, "")
    .trim();
}

/**
 * `…` stands for whatever is there: on a line of its own for any lines, within a line for any text.
 */
export function isLike(printed: string, documented: string, places: Places): boolean {
  const lines = masked(documented, places).split("\n").map((line) =>
    /^\s*…$/.test(line) ? "(?:.*\\n)*?" : `${line.split("…").map(escaped).join(".*")}\\n`
  );
  return new RegExp(`^${lines.join("")}$`).test(`${masked(printed, places)}\n`);
}

/** Fails with both texts beside each other. */
export function expectLike(printed: string, documented: string, places: Places): void {
  if (!isLike(printed, documented, places)) {
    expect(masked(printed, places)).toBe(masked(documented, places));
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
