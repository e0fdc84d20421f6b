/**
 * The approvers that an action asks for: so many distinct people, some of them from named groups,
 * with keys that are strong enough.
 *
 * Invariant: a person takes one seat, whatever groups they are in, and a seat of a group only
 * someone of that group takes. Whether enough have signed is a matching in a bipartite graph.
 */

import { whole } from "./shape.ts";
import type { Signer } from "./types.ts";

/** How many approvers an action needs. */
export interface SeatsNeeded {
  /** Distinct approvers in all, at least 1. */
  readonly approvals: number;
  /** How many of them have to be of which group; empty where anyone will do. */
  readonly groups: ReadonlyMap<string, number>;
}

interface Person {
  readonly groups: ReadonlySet<string>;
}

/** Returns how many seats stay empty, however these people are seated; 0 when they are enough. */
export function emptySeats(needed: SeatsNeeded, people: readonly Person[]): number {
  const seats: (string | null)[] = [...needed.groups]
    .flatMap(([group, count]) => new Array<string | null>(count).fill(group));
  while (seats.length < needed.approvals) seats.push(null);
  const seatOf = new Map<Person, number>();
  return seats.filter((_, seat) => !findPerson(seat, seats, people, seatOf, new Set())).length;
}

/**
 * Seats someone, moving others to seats they may take as well (augmenting paths). `asked` are those
 * who were tried on this way.
 */
function findPerson(
  seat: number,
  seats: readonly (string | null)[],
  people: readonly Person[],
  seatOf: Map<Person, number>,
  asked: Set<Person>,
): boolean {
  const group = seats[seat] ?? null;
  for (const person of people) {
    if (asked.has(person) || (group !== null && !person.groups.has(group))) continue;
    asked.add(person);
    const taken = seatOf.get(person);
    if (taken === undefined || findPerson(taken, seats, people, seatOf, asked)) {
      seatOf.set(person, seat);
      return true;
    }
  }
  return false;
}

/** The seats as the configuration and answers spell them: a number, or numbers by group. */
export type SeatsJson = number | Readonly<Record<string, number>>;

export function seatsJson({ approvals, groups }: SeatsNeeded): SeatsJson {
  const sorted = [...groups].sort(([a], [b]) => a < b ? -1 : 1);
  return groups.size === 0 ? approvals : Object.fromEntries(sorted);
}

export function isSeats(value: unknown): value is SeatsJson {
  return whole(value) ||
    (typeof value === "object" && value !== null && Object.values(value).every(whole));
}

/** Returns how many there are, of whatever groups. */
export function seatCount(needed: SeatsJson): number {
  return typeof needed === "number"
    ? needed
    : Object.values(needed).reduce((sum, count) => sum + count, 0);
}

/** Says it to a person: "2 approvers", or "1 of finance and 1 of ops". */
export function seatsText(needed: SeatsJson): string {
  if (typeof needed === "number") return needed === 1 ? "1 approver" : `${needed} approvers`;
  return Object.entries(needed).map(([group, count]) => `${count} of ${group}`).join(" and ");
}

/** The kind of key behind a signature that verified, and what it says of key and person. */
export type SignerFacts = Pick<Signer, "kind" | "userVerified" | "hardware">;

/** How strong a key an action asks for, the weakest first. */
export const REQUIREMENTS = ["any", "hardware", "user_verified"] as const;
export type Requirement = (typeof REQUIREMENTS)[number];

/** Tells whether a signature is as strong as asked. user_verified asks for hardware too. */
export function meets({ hardware, userVerified }: SignerFacts, requirement: Requirement): boolean {
  return requirement === "any" || (hardware && (requirement === "hardware" || userVerified));
}

/** Says it to a person: "sshsig, hardware, person verified". */
export function factsText({ kind, hardware, userVerified }: SignerFacts): string {
  return `${kind}${hardware ? ", hardware" : ""}${userVerified ? ", person verified" : ""}`;
}
