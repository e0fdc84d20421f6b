/**
 * The JSON text of what a handler returns, by nothing that the value brings along: no toJSON, no
 * prototype but Object's, no symbol. Members that are undefined are left out.
 */

import { NESTING_DEPTH_MAX } from "../../core/limits.ts";

export type JsonText =
  | { readonly ok: true; readonly text: string }
  /** Why JSON cannot say it, or says too much; names no part of the value. */
  | { readonly ok: false; readonly reason: string };

/** `lengthMax`: UTF-16 units. Throws what a getter of the value throws. */
export function jsonText(value: unknown, lengthMax: number): JsonText {
  try {
    return { ok: true, text: textOf(value, { depth: NESTING_DEPTH_MAX, lengthMax }) };
  } catch (error) {
    if (NoJson.is(error)) return { ok: false, reason: error.reason };
    throw error;
  }
}

/** Thrown in this file only. */
class NoJson {
  readonly #isOurs = true;
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }

  static is(value: unknown): value is NoJson {
    return typeof value === "object" && value !== null && #isOurs in value;
  }
}

interface Bounds {
  readonly depth: number;
  readonly lengthMax: number;
}

function textOf(value: unknown, bounds: Bounds): string {
  if (typeof value === "string") return stringText(value, bounds);
  if (typeof value === "number") return numberText(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === null) return "null";
  if (typeof value !== "object") throw new NoJson(`the result holds a ${typeof value}`);
  if (bounds.depth <= 0) throw new NoJson("the result nests too deeply, or holds itself");
  const inside = { ...bounds, depth: bounds.depth - 1 };
  if (Array.isArray(value)) return arrayText(value, inside);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return objectText(value, inside);
  throw new NoJson("the result holds an object that is not a plain one");
}

function arrayText(items: readonly unknown[], bounds: Bounds): string {
  let text = "";
  for (let i = 0; i < items.length; i++) {
    text += (i === 0 ? "" : ",") + textOf(items[i], bounds);
    checkLength(text, bounds);
  }
  return `[${text}]`;
}

function objectText(members: object, bounds: Bounds): string {
  let text = "";
  for (const name of Object.keys(members)) {
    const value: unknown = Reflect.get(members, name);
    if (value === undefined) continue;
    text += (text === "" ? "" : ",") + stringText(name, bounds) + ":" + textOf(value, bounds);
    checkLength(text, bounds);
  }
  return `{${text}}`;
}

function stringText(text: string, bounds: Bounds): string {
  if (!text.isWellFormed()) throw new NoJson("the result holds a lone surrogate");
  checkLength(text, bounds);
  return JSON.stringify(text);
}

/**
 * Integers past 2^53 are written as the doubles they are, because readers of I-JSON refuse their
 * digits.
 */
function numberText(number: number): string {
  if (!Number.isFinite(number)) throw new NoJson("the result holds NaN or an infinity");
  return Number.isInteger(number) && !Number.isSafeInteger(number)
    ? number.toExponential()
    : `${number}`;
}

function checkLength(text: string, { lengthMax }: Bounds): void {
  if (text.length > lengthMax) throw new NoJson("the result is too large");
}
