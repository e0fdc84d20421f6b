/**
 * JSON as Python prints it: `json.dumps(value, sort_keys=True)` of CPython 3, which OpenExec 0.1.10
 * hashes.
 *
 * It differs from RFC 8785 where it matters to a hash: an integer and a float are told apart by how
 * they were written (1 and 1.0), floats print as `repr` does, everything but visible ASCII and
 * space is escaped, and keys sort by code point.
 */

import type { JsonNode } from "./json.ts";

/** "compact" is `separators=(",", ":")`; "default" puts a space after each comma and colon. */
export type PythonStyle = "compact" | "default";

/** Numbers as they were written, or as the canonical text of the node has them. */
export type PythonNumbers = "written" | "canonical";

export function pythonJson(
  node: JsonNode,
  style: PythonStyle,
  numbers: PythonNumbers = "written",
): string {
  const [comma, colon] = style === "compact" ? [",", ":"] : [", ", ": "];
  return print(node);

  function print(part: JsonNode): string {
    switch (part.kind) {
      case "object": {
        const sorted = part.members.toSorted(([a], [b]) => compareCodePoints(a, b));
        return `{${
          sorted.map(([key, value]) => `${quoted(key)}${colon}${print(value)}`).join(comma)
        }}`;
      }
      case "array":
        return `[${part.items.map(print).join(comma)}]`;
      case "string":
        return quoted(part.value);
      case "number":
        return number(numbers === "written" ? part.lexeme : JSON.stringify(part.value), part.value);
      case "literal":
        return String(part.value);
    }
  }
}

const INTEGER = /^-?[0-9]+$/;

function number(lexeme: string, value: number): string {
  if (!INTEGER.test(lexeme)) return floatRepr(value);
  return lexeme === "-0" ? "0" : lexeme; // Python's int has no minus zero
}

/**
 * Prints as `repr(float)` does: the shortest digits that read back, as in JavaScript, laid out with
 * an exponent below 1e-4 and from 1e16 on, and never without a fraction or an exponent.
 */
function floatRepr(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa = "", power = "0"] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits.charAt(0)}${fraction}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function quoted(text: string): string {
  return `"${text.replace(/["\\]|[^ -~]/g, escaped)}"`;
}

/** `unit` is a UTF-16 code unit: Python writes an astral character as two escapes, too. */
function escaped(unit: string): string {
  return SHORT_ESCAPES.get(unit) ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Orders by code point, as Python does; UTF-16 puts U+10000 and up before U+E000 to U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Lifts surrogates above every other code unit; two surrogates keep their order. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
