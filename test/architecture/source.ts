/** The source tree as the architecture tests see it: files, imports, comments and functions. */

import { roomOf } from "./rooms.ts";

export interface SourceFile {
  /** Relative to src/, such as `engine/execute.ts`. */
  readonly path: string;
  readonly room: string;
  /** The file as it is. */
  readonly raw: string;
  /** The file without its comments. */
  readonly text: string;
  readonly lines: readonly string[];
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
  const lines = raw.split("\n").slice(0, -1);
  return { path, room: roomOf(path), raw, text, lines, imports };
}

function resolve(from: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  const url = new URL(specifier, new URL(from, ROOT)).href;
  return url.startsWith(ROOT.href) ? url.slice(ROOT.href.length) : `outside:${specifier}`;
}

/** Sets of nodes that reach each other in a graph (Tarjan's algorithm), each sorted. */
export function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (node: string): number => {
    const own = index.size;
    index.set(node, own);
    low.set(node, own);
    stack.push(node);
    let lowest = own;
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) lowest = Math.min(lowest, visit(next));
      else if (stack.includes(next)) lowest = Math.min(lowest, index.get(next) ?? own);
    }
    low.set(node, lowest);
    if (lowest === own) {
      const circle = stack.splice(stack.indexOf(node));
      if (circle.length > 1 || graph.get(node)?.includes(node)) circles.push(circle.sort());
    }
    return lowest;
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return circles;
}

/** The sentences of the comments in `lines`, with the numbers of the lines they begin in. */
export function sentencesIn(lines: readonly string[]): { line: number; text: string }[] {
  const paragraphs: { line: number; text: string }[] = [];
  let open = false;
  let block = false;
  const add = (line: number, text: string) => {
    const last = paragraphs.at(-1);
    if (text === "") open = false;
    else if (open && last !== undefined) last.text += ` ${text}`;
    else {
      paragraphs.push({ line, text });
      open = true;
    }
  };
  for (const [at, raw] of lines.entries()) {
    const line = raw.trim();
    const begins = line.startsWith("/*");
    if (begins) [open, block] = [false, true];
    if (block) {
      add(at + 1, line.replace(/^\/\*\*?|^\*(?!\/)|\*\/$/g, "").replace(/\*\/$/, "").trim());
      if (line.endsWith("*/")) [open, block] = [false, false];
      continue;
    }
    const [code, ...rest] = ` ${line}`.split(/ \/\/ /);
    if (rest.length === 0 || /["'`]/.test(rest.join(" // ").slice(-1))) open = false;
    else {
      if (code !== "") open = false;
      add(at + 1, rest.join(" // "));
      if (code !== "") open = false;
    }
  }
  return paragraphs.flatMap(({ line, text }) =>
    text.split(/(?<=[.:!?;]) (?=[A-Z-])/).map((sentence) => ({
      line,
      text: sentence.replace(/^- /, ""),
    }))
  );
}

export interface FunctionSpan {
  readonly line: number;
  readonly length: number;
  /** The lines it begins with, up to its brace. */
  readonly head: string;
}

/**
 * Functions, methods and arrow functions with a body of several lines. It reads code as deno fmt
 * lays it out: a body ends with a brace that stands as deep as the line that begins the function.
 */
export function functionsIn(lines: readonly string[]): FunctionSpan[] {
  const begun = new Map<number, { line: number; head: string }>();
  const functions: FunctionSpan[] = [];
  let lastAt = new Map<number, number>();
  for (const [at, line] of lines.entries()) {
    const code = line.trim();
    if (code === "" || /^(\*|\/\*|\/\/)/.test(code)) continue;
    const depth = line.length - line.trimStart().length;
    if (code.startsWith("}")) {
      const open = begun.get(depth);
      if (open !== undefined && isFunction(open.head)) {
        functions.push({ ...open, length: at + 2 - open.line });
      }
      begun.delete(depth);
    }
    if (!/^[)\]}]/.test(code)) lastAt.set(depth, at);
    if (/\{(?: \/\/.*)?$/.test(code)) {
      const from = /^[)\]]/.test(code) ? lastAt.get(depth) ?? at : at;
      const head = lines.slice(from, at + 1).map((part) => part.trim()).join(" ");
      begun.set(depth, { line: from + 1, head });
    }
    lastAt = new Map([...lastAt].filter(([deep]) => deep <= depth));
  }
  return functions;
}

function isFunction(head: string): boolean {
  if (/=> \{$/.test(head) || /\bfunction\b/.test(head)) return true;
  return /^(?:(?:static|async|override|private|get|set) |\*)*#?\w+(?:<.*>)?\(.*\)(?:: .*)? \{$/
    .test(head) && !/^(?:if|for|while|switch|catch)\b/.test(head);
}
