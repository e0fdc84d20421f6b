/**
 * A TOML 1.0 document as values and the line each came from; sole owner of the TOML parser.
 *
 * Invariants:
 * - Tables have no prototype and scalars keep TOML's types: what JavaScript would blur (1.0 and 1, a date without an
 *   offset and an instant) becomes an `Unfit`, which no schema accepts.
 * - Names that objects inherit or that valibot skips in silence (`__proto__`, `constructor`, `toString`) are refused, so
 *   that no key of the file goes unread.
 */

import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { ConfigError, type ConfigProblem } from "./config_error.ts";

export type Path = readonly (string | number)[];

export interface Document {
  /** Tables without prototype, arrays, strings, numbers (integers only), booleans, Dates and Unfits. */
  readonly value: unknown;
  /** Of the deepest part of `path` that the file has, from 1. */
  lineOf(path: Path): number;
}

/** A value of a TOML type that no setting has. */
export class Unfit {
  constructor(readonly type: "float" | "date or time without offset") {}
}

class Table {
  readonly members = new Map<string, Node>();
  constructor(public line: number) {}
}

class List {
  readonly items: Node[] = [];
  constructor(readonly line: number) {}
}

class Scalar {
  constructor(readonly line: number, readonly value: unknown) {}
}

type Node = Table | List | Scalar;

/** Throws a ConfigError that names `file` and line. */
export function parseDocument(file: string, text: string): Document {
  const program = parse(file, text);
  const root = new Table(1);
  const problems: ConfigProblem[] = [];
  const define = (table: Table, pair: AST.TOMLKeyValue): void => {
    const names = pair.key.keys.map(nameOf);
    const last = names.pop() ?? "";
    const line = pair.loc.start.line;
    const owner = tableAt(table, names, line);
    checkName(file, pair.key, problems);
    owner.members.set(last, nodeOf(pair.value, line, define));
  };
  for (const entry of program.body[0].body) {
    if (entry.type === "TOMLKeyValue") {
      define(root, entry);
      continue;
    }
    checkName(file, entry.key, problems);
    const table = tableAt(root, entry.resolvedKey, entry.loc.start.line);
    table.line = entry.loc.start.line;
    for (const pair of entry.body) define(table, pair);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { value: valueOf(root), lineOf: (path) => lineOf(root, path) };
}

/** `sockets[1].path`, `actions."a b".timeout`: a path as TOML would write it. */
export function keyText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const name = /^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part);
    return text === "" ? name : `${text}.${name}`;
  }, "");
}

function parse(file: string, text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: "1.0" });
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const message = `not TOML: ${error.message.replace(/\.$/, "").toLowerCase()}`;
    throw new ConfigError([{ source: file, line: error.lineNumber, key: "", message }]);
  }
}

function nameOf(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}

function checkName(file: string, key: AST.TOMLKey, problems: ConfigProblem[]): void {
  for (const part of key.keys) {
    const name = nameOf(part);
    if (!(name in Object.prototype) && name !== "prototype") continue;
    const message = "this name is reserved and can stand for nothing here; choose another";
    problems.push({ source: file, line: part.loc.start.line, key: keyText(key.keys.map(nameOf)), message });
  }
}

/** The table at `path`, made where it is not there yet; the parser has refused every clash before. */
function tableAt(root: Table, path: Path, line: number): Table {
  let node: Node = root;
  path.forEach((part, index) => {
    const make = (): Node => typeof path[index + 1] === "number" ? new List(line) : new Table(line);
    if (node instanceof Table && typeof part === "string") {
      const next: Node = node.members.get(part) ?? make();
      node.members.set(part, next);
      node = next;
    } else if (node instanceof List && typeof part === "number") {
      const next: Node = node.items[part] ?? make();
      node.items[part] = next;
      node = next;
    }
  });
  if (!(node instanceof Table)) throw new Error("the TOML parser accepted a table in place of a value");
  return node;
}

type Define = (table: Table, pair: AST.TOMLKeyValue) => void;

function nodeOf(content: AST.TOMLContentNode, line: number, define: Define): Node {
  if (content.type === "TOMLInlineTable") {
    const table = new Table(line);
    for (const pair of content.body) define(table, pair);
    return table;
  }
  if (content.type === "TOMLArray") {
    const list = new List(line);
    for (const element of content.elements) list.items.push(nodeOf(element, element.loc.start.line, define));
    return list;
  }
  return new Scalar(line, scalarOf(content));
}

function scalarOf(content: AST.TOMLValue): unknown {
  switch (content.kind) {
    case "float":
      return new Unfit("float");
    case "local-date-time":
    case "local-date":
    case "local-time":
      return new Unfit("date or time without offset");
    default:
      return content.value;
  }
}

function valueOf(node: Node): unknown {
  if (node instanceof Scalar) return node.value;
  if (node instanceof List) return node.items.map(valueOf);
  const table: Record<string, unknown> = Object.create(null);
  for (const [name, member] of node.members) table[name] = valueOf(member);
  return table;
}

function lineOf(root: Table, path: Path): number {
  let node: Node = root;
  for (const part of path) {
    const next: Node | undefined = node instanceof Table
      ? node.members.get(String(part))
      : node instanceof List && typeof part === "number"
      ? node.items[part]
      : undefined;
    if (next === undefined) break;
    node = next;
  }
  return node.line;
}
