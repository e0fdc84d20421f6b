/**
 * A TOML 1.0 document as values and the line each came from; sole owner of the TOML parser.
 *
 * Invariants:
 * - Tables have no prototype and scalars keep TOML's types. A value that JavaScript would blur (1.0
 *   and 1, a date without an offset and an instant) becomes an `UnsupportedValue`, which no schema
 *   accepts.
 * - Names that objects inherit or that valibot skips in silence (`__proto__`, `constructor`,
 *   `toString`) are refused, so that no key of the file goes unread.
 */

import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { ConfigError, type ConfigProblem, type KeyPath } from "./config_error.ts";

export interface TomlDocument {
  /** Tables without prototype, arrays, strings, integers, booleans, Dates and UnsupportedValues. */
  readonly value: unknown;
  /** Line of the deepest part of `path` that the file has, from 1. */
  lineOf(path: KeyPath): number;
}

/** A value of a TOML type that no setting has. */
export class UnsupportedValue {
  constructor(readonly type: "float" | "date or time without offset") {}
}

class TableNode {
  readonly members = new Map<string, Node>();
  constructor(readonly path: KeyPath, public line: number) {}
}

class ListNode {
  readonly items: Node[] = [];
  constructor(readonly line: number) {}
}

class ScalarNode {
  constructor(readonly line: number, readonly value: unknown) {}
}

type Node = TableNode | ListNode | ScalarNode;

/** Throws a ConfigError that names `file` and line. */
export function parseDocument(file: string, text: string): TomlDocument {
  const root = new TableNode([], 1);
  const reserved: ConfigProblem[] = [];
  const noteReserved = (path: KeyPath, line: number): void => {
    if (!path.some((part) => typeof part === "string" && isReserved(part))) return;
    const message = "this name is reserved and can stand for nothing here; choose another";
    reserved.push({ source: file, line, key: keyText(path), message });
  };
  const define: Define = (owner, pair) => {
    const { line } = pair.loc.start;
    const names = pair.key.keys.map(nameOf);
    const path = [...owner.path, ...names];
    if (names.some(isReserved)) noteReserved(path, line);
    const table = tableAt(owner, names.slice(0, -1), line);
    table.members.set(names.at(-1) ?? "", nodeOf(pair.value, path, line, define));
  };
  for (const entry of parse(file, text).body[0].body) {
    if (entry.type === "TOMLKeyValue") {
      define(root, entry);
      continue;
    }
    const { line } = entry.loc.start;
    noteReserved(entry.resolvedKey, line);
    const table = tableAt(root, entry.resolvedKey, line);
    table.line = line;
    for (const pair of entry.body) define(table, pair);
  }
  if (reserved.length > 0) throw new ConfigError(reserved);
  return { value: valueOf(root), lineOf: (path) => lineOf(root, path) };
}

function isReserved(name: string): boolean {
  return name in Object.prototype || name === "prototype";
}

/** Writes a path as TOML would: `sockets[1].path`, `actions."a b".timeout`. */
export function keyText(path: KeyPath): string {
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

/** Finds the table at `path` below `from`, or makes it. The parser has already refused clashes. */
function tableAt(from: TableNode, path: KeyPath, line: number): TableNode {
  let node: Node = from;
  path.forEach((part, index) => {
    const here = [...from.path, ...path.slice(0, index + 1)];
    const make = (): Node =>
      typeof path[index + 1] === "number" ? new ListNode(line) : new TableNode(here, line);
    if (node instanceof TableNode && typeof part === "string") {
      const next: Node = node.members.get(part) ?? make();
      node.members.set(part, next);
      node = next;
    } else if (node instanceof ListNode && typeof part === "number") {
      node = node.items[part] ??= make();
    }
  });
  if (!(node instanceof TableNode)) {
    throw new Error("the TOML parser accepted a table in place of a value");
  }
  return node;
}

type Define = (owner: TableNode, pair: AST.TOMLKeyValue) => void;

function nodeOf(content: AST.TOMLContentNode, path: KeyPath, line: number, define: Define): Node {
  if (content.type === "TOMLInlineTable") {
    const table = new TableNode(path, line);
    for (const pair of content.body) define(table, pair);
    return table;
  }
  if (content.type === "TOMLArray") {
    const list = new ListNode(line);
    content.elements.forEach((element, index) => {
      list.items.push(nodeOf(element, [...path, index], element.loc.start.line, define));
    });
    return list;
  }
  return new ScalarNode(line, scalarOf(content));
}

function scalarOf(content: AST.TOMLValue): unknown {
  switch (content.kind) {
    case "float":
      return new UnsupportedValue("float");
    case "local-date-time":
    case "local-date":
    case "local-time":
      return new UnsupportedValue("date or time without offset");
    default:
      return content.value;
  }
}

function valueOf(node: Node): unknown {
  if (node instanceof ScalarNode) return node.value;
  if (node instanceof ListNode) return node.items.map(valueOf);
  const table: Record<string, unknown> = Object.create(null);
  for (const [name, member] of node.members) table[name] = valueOf(member);
  return table;
}

function lineOf(root: TableNode, path: KeyPath): number {
  let node: Node = root;
  for (const part of path) {
    const next: Node | undefined = node instanceof TableNode
      ? node.members.get(String(part))
      : node instanceof ListNode && typeof part === "number"
      ? node.items[part]
      : undefined;
    if (next === undefined) break;
    node = next;
  }
  return node.line;
}
