/**
 * The kinds of values a setting can have.
 *
 * Each says in words what it expects, for the message about a wrong value, and turns the file's
 * spelling into the unit of config.ts (milliseconds, bytes, permission bits, key bytes).
 */

import * as v from "valibot";
import { isAdmissibleKey } from "../core/keys/ed25519.ts";
import { parsePublicKey } from "../core/keys/public_key.ts";
import { isDigest } from "../core/sha.ts";
import { parseSshKey, SSH_KEY_TYPES } from "../core/keys/ssh_key.ts";
import { parsePasskey } from "../core/keys/webauthn.ts";

/** Text of a fixed shape. */
export function text(pattern: RegExp, expected: string) {
  return v.pipe(v.string(expected), v.regex(pattern, expected));
}

export function choice<const Options extends readonly string[]>(options: Options) {
  return v.picklist(options, options.map((option) => JSON.stringify(option)).join(" or "));
}

export const flag = v.boolean("true or false");

export function integer(minimum: number, maximum: number = Number.MAX_SAFE_INTEGER) {
  const upTo = maximum === Number.MAX_SAFE_INTEGER
    ? ` from ${minimum} up`
    : ` from ${minimum} to ${maximum}`;
  const expected = `a whole number${upTo}`;
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(minimum, expected),
    v.maxValue(maximum, expected),
  );
}

/**
 * Turns text into something else, or refuses it where `parse` gives undefined. The message shows
 * the text as it was written.
 */
function turned<Parsed>(expected: string, parse: (text: string) => Parsed | undefined) {
  return v.rawTransform<string, Parsed>(({ dataset, addIssue, NEVER }) => {
    const value = parse(dataset.value);
    if (value !== undefined) return value;
    addIssue({ message: expected });
    return NEVER;
  });
}

/** Text that `parse` turns into something else, or into undefined where it is not as expected. */
function parsed<Parsed>(expected: string, parse: (text: string) => Parsed | undefined) {
  return v.pipe(v.string(expected), turned(expected, parse));
}

/** Returns how many of the smallest unit a whole number with a unit behind it stands for. */
function inUnits(spelt: string, units: ReadonlyMap<string, number>): number {
  return parseInt(spelt, 10) * (units.get(spelt.replace(/^\d+/, "")) ?? NaN);
}

/** A name as `isName` of core/limits.ts has it. */
export const name = text(
  /^[\x21-\x7e]{1,255}$/,
  "a name of 1 to 255 visible ASCII characters, no space",
);

const pattern = v.union(
  [v.literal("*"), name],
  'the name of an action, or "*" for every action',
);

const SECOND = 1000;
const UNITS = new Map([["ms", 1], ["s", SECOND], ["m", 60 * SECOND], ["h", 3600 * SECOND], [
  "d",
  86_400 * SECOND,
]]);

/** setTimeout fires at once beyond 2^31 - 1 ms, which is a little under 25 days. */
const TIMER_MAX = 24 * 86_400 * SECOND;
const CENTURY = 36_525 * 86_400 * SECOND;

function durationWithin(minimum: number, maximum: number, expected: string) {
  return v.pipe(
    text(/^[1-9]\d{0,8}(?:ms|s|m|h|d)$/, expected),
    turned(expected, (spelt) => {
      const ms = inUnits(spelt, UNITS);
      return ms >= minimum && ms <= maximum && ms % minimum === 0 ? ms : undefined;
    }),
  );
}

/** A time limit, to milliseconds. */
export const timer = durationWithin(
  1,
  TIMER_MAX,
  'a duration from "1ms" to "24d", such as "10s" or "5m"',
);

/** A span of whole seconds, to milliseconds. */
export const span = durationWithin(
  SECOND,
  CENTURY,
  'a duration from "1s" to "36525d", such as "15m", "24h" or "7d"',
);

/** How long a proposal may wait, to milliseconds. */
export const expiry = durationWithin(
  SECOND,
  7 * 86_400 * SECOND,
  'a duration from "1s" to "7d", such as "15m" or "1h"',
);

/** A span, or "none" for never stored, which becomes null. */
export const retention = v.union([
  v.pipe(v.literal("none"), v.transform(() => null)),
  span,
], 'a duration from "1s" to "36525d", such as "24h" or "7d", or "none" for never stored');

const SIZES = new Map([["B", 1], ["KiB", 2 ** 10], ["MiB", 2 ** 20], ["GiB", 2 ** 30]]);

/** Bytes as a number, or as text with a unit. */
export function size(minimum: number, maximum: number) {
  const expected = `a size from ${sizeText(minimum)} to ${
    sizeText(maximum)
  }, such as 1048576 or "256MiB"`;
  return v.union([
    v.pipe(
      v.number(expected),
      v.integer(expected),
      v.minValue(minimum, expected),
      v.maxValue(maximum, expected),
    ),
    v.pipe(
      text(/^[1-9]\d{0,14}(?:B|KiB|MiB|GiB)$/, expected),
      turned(expected, (spelt) => {
        const bytes = inUnits(spelt, SIZES);
        return bytes >= minimum && bytes <= maximum ? bytes : undefined;
      }),
    ),
  ], expected);
}

function sizeText(bytes: number): string {
  const [unit, factor] = [...SIZES].findLast(([, factor]) => bytes % factor === 0) ?? ["B", 1];
  return `${bytes / factor}${unit}`;
}

/** Permission bits, to a number. */
export const mode = v.pipe(
  text(
    /^0?[0-7]{2}0$/,
    'permission bits such as "0600" or "0660"; others get none, so they end in 0',
  ),
  v.transform((octal) => parseInt(octal, 8)),
);

const PATH = "a path, absolute or relative to this file (~ is not expanded)";

/** A path; a relative one starts from the folder of the configuration file. */
export const path = v.pipe(text(/^[^~]/, PATH), v.excludes("\0", PATH));

const DIGEST = 'a digest, "sha256:" and 64 lower-case hex digits, as `openexec pin` prints it';
export const digest = v.pipe(
  v.string(DIGEST),
  v.regex(/^sha256:[0-9a-f]{64}$/, DIGEST),
  v.guard(isDigest),
);

const PUBLIC_KEY = 'an admissible Ed25519 public key: "ed25519:BASE64", PEM or "ssh-ed25519 ..."';

/** An Ed25519 public key, to its 32 bytes. */
export const publicKey = parsed(PUBLIC_KEY, (text) => {
  const key = parsePublicKey(text);
  return key !== undefined && isAdmissibleKey(key) ? key : undefined;
});

const SSH_KEY = `the line of a .pub file: ${SSH_KEY_TYPES.join(", ")}`;

/** A public key of OpenSSH. */
export const sshKey = parsed(SSH_KEY, parseSshKey);

const PASSKEY = "a passkey's public key as the review page prints it: base64 of its SPKI, " +
  "Ed25519 or P-256";

/** A passkey's public key, with its algorithm. */
export const passkey = parsed(PASSKEY, parsePasskey);

const DOMAIN = "a domain in lower case, such as localhost or approve.example.com";

/** An RP id of WebAuthn: a domain, with neither scheme nor port. */
export const domain = text(
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
  DOMAIN,
);

/** An origin as browsers write it: a port only where it is not the scheme's own. */
export const origin = text(
  /^(?:http:\/\/localhost(?::(?!80$)[1-9]\d{0,4})?|https:\/\/[a-z0-9.-]+)$/,
  'an origin such as "http://localhost:8822" or "https://approve.example.com"',
);

const INSTANT = "a date and time with offset, such as 2026-01-01T00:00:00Z (no quotes)";

/** A date and time with offset, to seconds since 1970. */
export const instant = v.pipe(
  v.date(INSTANT),
  v.transform((date) => Math.floor(date.getTime() / 1000)),
);

export function list<Item extends v.GenericSchema>(item: Item, expected: string) {
  return v.array(item, expected);
}

/** Excludes arrays, dates and UnsupportedValues, which valibot takes for tables without keys. */
function isTable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

const anyTable = v.custom<object>(isTable, "a table");

/** A program and its arguments. */
export const command = v.pipe(
  list(v.string("text"), "a list of texts"),
  v.minLength(1, "at least the program's path"),
);

export const names = list(name, "a list of names");
export const patterns = list(pattern, 'a list of names of actions, or ["*"]');

/** A table of these keys and no others. */
export function table<Entries extends v.ObjectEntries>(entries: Entries) {
  const closed = v.never(`unknown key; the keys here are ${Object.keys(entries).join(", ")}`);
  return v.pipe(
    anyTable,
    v.objectWithRest(entries, closed, (issue) => missingText(entries, issue)),
  );
}

/** A table whose keys are names of the operator's choice. */
export function tableOf<Value extends v.GenericSchema>(
  key: v.GenericSchema<string, string>,
  value: Value,
) {
  return v.pipe(anyTable, v.record(key, value));
}

function missingText(entries: v.ObjectEntries, issue: v.BaseIssue<unknown>): string {
  const key = String(issue.path?.at(-1)?.key);
  const entry = entries[key];
  const expected = entry !== undefined && "message" in entry ? `; expected ${entry.message}` : "";
  return `missing${expected}`;
}

/** A key that has to be there, with what the reference says of it, and editors of a wrong value. */
export function required<Schema extends v.GenericSchema>(schema: Schema, documentation: string) {
  const errorMessage = "message" in schema && typeof schema.message === "string"
    ? schema.message
    : "";
  return v.pipe(schema, v.description(documentation), v.metadata({ errorMessage }));
}

/** A key that may be left out; what that means is part of its documentation. */
export function optional<Schema extends v.GenericSchema>(schema: Schema, documentation: string) {
  return v.optional(required(schema, documentation));
}

/** A key with a default, written as in the file. */
export function defaulted<
  Schema extends v.GenericSchema,
  const Default extends v.InferInput<Schema>,
>(
  schema: Schema,
  fallback: Default,
  documentation: string,
) {
  return v.optional(required(schema, documentation), fallback);
}
