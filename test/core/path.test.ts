import fc from "fast-check";
import { posix } from "node:path";
import { expect, test } from "vitest";
import { folderOf, joinPath, nameOf, resolvePath } from "../../src/core/path.ts";

const segment = fc.constantFrom("", ".", "..", "a", "b.sock", "c..d", "...", " ", "é");
const relative = fc.array(segment, { maxLength: 8 }).map((segments) => segments.join("/"));
const absolute = relative.map((path) => `/${path}`);

/** node:path keeps one slash at the end of what it joins. */
function trimmed(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

test("joinPath() gives what node:path gives, without a slash at the end", () => {
  fc.assert(fc.property(absolute, fc.array(relative, { maxLength: 3 }), (first, rest) => {
    expect(joinPath(first, ...rest)).toBe(trimmed(posix.join(first, ...rest)));
  }));
});

test("resolvePath() gives what node:path gives", () => {
  fc.assert(fc.property(absolute, fc.oneof(absolute, relative), (base, path) => {
    expect(resolvePath(base, path)).toBe(posix.resolve(base, path));
  }));
});

test("folderOf() and nameOf() give what node:path gives for a normal path", () => {
  fc.assert(fc.property(absolute.map((path) => joinPath(path)), (path) => {
    expect(folderOf(path)).toBe(posix.dirname(path));
    expect(nameOf(path)).toBe(posix.basename(path));
  }));
});
