/**
 * Absolute paths as text (POSIX), as `node:path` reads them, but that no result ends in a slash.
 *
 * The first stage of `serve` takes them from here, and so loads nothing of the runtime's layer for Node programs, which would
 * be most of its time.
 */

/** The parts in one path, with no `.`, `..` or empty segment left. */
export function joinPath(...parts: readonly string[]): string {
  const kept: string[] = [];
  for (const segment of parts.join("/").split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  return `/${kept.join("/")}`;
}

/** `path` where it is absolute, else what it leads to from `base`, which is absolute. */
export function resolvePath(base: string, path: string): string {
  return isAbsolutePath(path) ? joinPath(path) : joinPath(base, path);
}

export function isAbsolutePath(path: string): boolean {
  return path.startsWith("/");
}

/** The folder that a path lies in; of the root, the root. */
export function folderOf(path: string): string {
  return joinPath(path, "..");
}

/** The last segment; of the root, nothing. */
export function nameOf(path: string): string {
  const normal = joinPath(path);
  return normal.slice(normal.lastIndexOf("/") + 1);
}
