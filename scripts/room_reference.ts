/** The table of folders in src/README.md, from the table that the architecture test holds them to. */

import { ROOMS } from "../test/architecture/rooms.ts";

const BEGIN = "<!-- the table below is generated: npm run docs -->\n";
const END = "<!-- end of the table -->\n";

/** Returns `document` with the table between its marks. Throws an Error where a mark is missing. */
export function withRooms(document: string): string {
  const [before, rest] = cut(document, BEGIN);
  const [, after] = cut(rest, END);
  return `${before}${BEGIN}\n${table()}\n${END}${after}`;
}

function cut(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`src/README.md has no line ${mark}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

function table(): string {
  const rows = Object.entries(ROOMS).filter(([folder]) => folder !== "" && isThere(folder)).map(
    ([folder, { owns, imports, types = [] }]) => {
      const only = types.length === 0 ? "" : `; types of ${types.filter(isThere).join(", ")}`;
      const may = imports.filter(isThere).join(", ") || "nothing of ours";
      return `| \`${folder}\` | ${owns} | ${may}${only} |\n`;
    },
  );
  return `| folder | owns | may import |\n|---|---|---|\n${rows.join("")}`;
}

function isThere(folder: string): boolean {
  try {
    return Deno.statSync(new URL(`../src/${folder}`, import.meta.url)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
