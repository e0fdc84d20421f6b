/** The source tree as the architecture tests see it: files, what each imports, and its text without comments. */

export interface SourceFile {
  /** Relative to src/, as `engine/execute.ts`. */
  readonly path: string;
  /** The folder, with `executor/child` a folder of its own; "" for src/main.ts. */
  readonly part: string;
  readonly text: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  /** Relative to src/, null for packages and built-ins. */
  readonly target: string | null;
}

const ROOT = new URL("../../src/", import.meta.url);

export function readSource(): SourceFile[] {
  return walk("").sort().map(readFile);
}

/** `executor/child/main.ts` -> `executor/child`, `core/json.ts` -> `core`. */
export function partOf(path: string): string {
  if (path.startsWith("executor/child/")) return "executor/child";
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
}

function walk(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap((entry) => {
    if (entry.isDirectory) return walk(`${folder}${entry.name}/`);
    return entry.name.endsWith(".ts") ? [`${folder}${entry.name}`] : [];
  });
}

function readFile(path: string): SourceFile {
  const raw = Deno.readTextFileSync(new URL(path, ROOT));
  const text = raw.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
  const statements = text.matchAll(
    /(?:^|\n)\s*(?:import|export)(\s+type)?\s[^;"']*?from\s+"([^"]+)"|(?:^|\n)\s*import\s+"([^"]+)"|\bimport\("([^"]+)"\)/g,
  );
  const imports = [...statements].map((match): Import => {
    const specifier = match[2] ?? match[3] ?? match[4] ?? "";
    return { specifier, typeOnly: match[1] !== undefined, target: resolve(path, specifier) };
  });
  return { path, part: partOf(path), text, lines: raw.split("\n").length - 1, imports };
}

function resolve(from: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  const url = new URL(specifier, new URL(from, ROOT)).href;
  return url.startsWith(ROOT.href) ? url.slice(ROOT.href.length) : `outside:${specifier}`;
}
