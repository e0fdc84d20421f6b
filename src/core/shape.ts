/**
 * The shapes of JSON values that machines write, such as receipts and messages, as type guards.
 *
 * Invariant: `object` accepts its members in the order of RFC 8785 (by UTF-16 code units) only,
 * none twice and no others. So an object that fits prints as its canonical text. `members` accepts
 * the same in any order.
 *
 * No library does this, so that receipts can be verified in a browser without one.
 */

export type Guard<T> = (value: unknown) => value is T;

/** A member that may be absent, but not undefined. */
export interface Optional<T> {
  readonly optional: Guard<T>;
}

type Member = Guard<unknown> | Optional<unknown>;
type Members = Readonly<Record<string, Member>>;
type Required<M> = {
  readonly [Name in keyof M as M[Name] extends Guard<unknown> ? Name : never]: TypeOf<M[Name]>;
};
type Absent<M> = {
  readonly [Name in keyof M as M[Name] extends Guard<unknown> ? never : Name]?: TypeOf<M[Name]>;
};

/** The type that a guard, or an optional member, accepts. */
export type TypeOf<G> = G extends Guard<infer T> ? T : G extends Optional<infer T> ? T : never;

type Flat<T> = { readonly [Name in keyof T]: T[Name] };

export type Shape<M> = Flat<Required<M> & Absent<M>>;

export const string = (value: unknown): value is string => typeof value === "string";

export const boolean = (value: unknown): value is boolean => typeof value === "boolean";

/** A whole number from 0 to 2^53 - 1. */
export const whole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** An object with these members. Throws RangeError unless they are in order. */
export function object<const M extends Members>(members: M): Guard<Shape<M>> {
  const expected = Object.entries(members).map(([name, member]) => ({ name, ...ruleOf(member) }));
  if (!isOrdered(expected.map(({ name }) => name))) {
    throw new RangeError("members are not in order");
  }
  return (value): value is Shape<M> => {
    if (!isRecord(value)) return false;
    let next = 0;
    for (const name in value) {
      let rule = expected[next++];
      while (rule !== undefined && rule.name !== name && rule.isOptional) rule = expected[next++];
      if (rule?.name !== name || !rule.guard(value[name])) return false;
    }
    for (let rule = expected[next]; rule !== undefined; rule = expected[++next]) {
      if (!rule.isOptional) return false;
    }
    return true;
  };
}

/** An object with these members and no other, in any order. */
export function members<const M extends Members>(members: M): Guard<Shape<M>> {
  const rules = new Map(Object.entries(members).map(([name, member]) => [name, ruleOf(member)]));
  const required = [...rules.values()].filter(({ isOptional }) => !isOptional).length;
  return (value): value is Shape<M> => {
    if (!isRecord(value)) return false;
    let found = 0;
    for (const name in value) {
      const rule = rules.get(name);
      if (rule === undefined || !rule.guard(value[name])) return false;
      if (!rule.isOptional) found++;
    }
    return found === required;
  };
}

/** An object with at least these members, in any order. Others are not looked at. */
export function open<const M extends Members>(members: M): Guard<Shape<M>> {
  const rules = Object.entries(members).map(([name, member]) => ({ name, ...ruleOf(member) }));
  return (value): value is Shape<M> =>
    isRecord(value) &&
    rules.every(({ name, guard, isOptional }) =>
      Object.hasOwn(value, name) ? guard(value[name]) : isOptional
    );
}

function ruleOf(member: Member) {
  return typeof member === "function"
    ? { guard: member, isOptional: false }
    : { guard: member.optional, isOptional: true };
}

export function optional<T>(guard: Guard<T>): Optional<T> {
  return { optional: guard };
}

/** Any number of these. */
export function array<T>(guard: Guard<T>): Guard<T[]> {
  return (value): value is T[] => Array.isArray(value) && value.every(guard);
}

/** Two values. */
export function pair<A, B>(first: Guard<A>, second: Guard<B>): Guard<readonly [A, B]> {
  return (value): value is readonly [A, B] =>
    Array.isArray(value) && value.length === 2 && first(value[0]) && second(value[1]);
}

/** A value that fits one of these. */
export function anyOf<const G extends readonly Guard<unknown>[]>(
  ...guards: G
): Guard<TypeOf<G[number]>> {
  return (value): value is TypeOf<G[number]> => guards.some((guard) => guard(value));
}

/** At least one of these. */
export function list<T>(guard: Guard<T>): Guard<readonly T[]> {
  return where(array(guard), ({ length }) => length > 0);
}

/** Exactly one of these values. */
export function oneOf<const T extends string | boolean | null>(...values: readonly T[]): Guard<T> {
  const known: readonly unknown[] = values;
  return (value): value is T => known.includes(value);
}

/** Names in order, each with a value of its own. */
export function record<T>(
  isName: (name: string) => boolean,
  guard: Guard<T>,
): Guard<Readonly<Record<string, T>>> {
  return (value): value is Readonly<Record<string, T>> =>
    isRecord(value) && isOrdered(Object.keys(value)) &&
    Object.entries(value).every(([name, member]) => isName(name) && guard(member));
}

/** A guard that asks for more. */
export function where<T>(guard: Guard<T>, holds: (value: T) => boolean): Guard<T> {
  return (value): value is T => guard(value) && holds(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOrdered(names: readonly string[]): boolean {
  return names.every((name, i) => i === 0 || (names[i - 1] ?? "") < name);
}
