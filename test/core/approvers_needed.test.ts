import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  emptySeats,
  isSeats,
  seatCount,
  seatsJson,
  seatsText,
} from "../../src/core/approvers_needed.ts";

const person = (...groups: readonly string[]) => ({ groups: new Set(groups) });
const byGroup = (groups: Readonly<Record<string, number>>, approvals?: number) => ({
  approvals: approvals ?? Object.values(groups).reduce((sum, count) => sum + count, 0),
  groups: new Map(Object.entries(groups)),
});

describe("emptySeats()", () => {
  test("counts people where anyone will do", () => {
    const two = { approvals: 2, groups: new Map() };
    expect(emptySeats(two, [])).toBe(2);
    expect(emptySeats(two, [person()])).toBe(1);
    expect(emptySeats(two, [person(), person("x"), person()])).toBe(0);
  });

  test("gives nobody two seats, whatever groups they are in", () => {
    const both = person("finance", "ops");
    expect(emptySeats(byGroup({ finance: 1, ops: 1 }), [both])).toBe(1);
    expect(emptySeats(byGroup({ finance: 1, ops: 1 }), [both, both])).toBe(1);
  });

  test("moves a person who could sit elsewhere, whoever came first", () => {
    const needed = byGroup({ finance: 1, ops: 1 });
    const [both, finance] = [person("finance", "ops"), person("finance")];
    expect(emptySeats(needed, [both, finance])).toBe(0);
    expect(emptySeats(needed, [finance, both])).toBe(0);
    expect(emptySeats(needed, [finance, person("finance")])).toBe(1);
  });

  test("takes nobody for a group's seat who is not in it", () => {
    expect(emptySeats(byGroup({ ops: 1 }), [person(), person("finance")])).toBe(1);
  });

  test("finds as many seats as trying every order does", () => {
    const people = fc.array(fc.subarray(["a", "b", "c"]), { maxLength: 5 });
    const groups = fc.record({
      a: fc.integer({ min: 0, max: 2 }),
      b: fc.integer({ min: 0, max: 2 }),
      c: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(fc.property(people, groups, fc.integer({ min: 0, max: 2 }), (each, by, anyone) => {
      const needed = byGroup(by, by.a + by.b + by.c + anyone);
      const seats = Object.entries(by).flatMap(([group, count]) => new Array(count).fill(group));
      const all: (string | null)[] = [...seats, ...new Array(anyone).fill(null)];
      const found = emptySeats(needed, each.map((names) => person(...names)));
      expect(found).toBe(all.length - mostSeated(all, each));
    }));
  });
});

/** By trying everything. */
function mostSeated(seats: readonly (string | null)[], people: readonly string[][]): number {
  const [first, ...rest] = people;
  if (first === undefined) return 0;
  const seated = seats.flatMap((seat, at) =>
    seat === null || first.includes(seat) ? [1 + mostSeated(seats.toSpliced(at, 1), rest)] : []
  );
  return Math.max(mostSeated(seats, rest), ...seated);
}

test.each([
  [2, true, 2, "2 approvers"],
  [1, true, 1, "1 approver"],
  [{ finance: 1, ops: 2 }, true, 3, "1 of finance and 2 of ops"],
  [{ "10": 1, "2": 1 }, true, 2, "1 of 2 and 1 of 10"],
  [-1, false, 0, ""],
  [{ ops: "1" }, false, 0, ""],
  [null, false, 0, ""],
])("%j: whether it says who is needed, how many, and in words", (value, isGood, count, text) => {
  expect(isSeats(value)).toBe(isGood);
  if (isSeats(value)) expect([seatCount(value), seatsText(value)]).toEqual([count, text]);
});

test("seatsJson() says it as the configuration does", () => {
  expect(seatsJson({ approvals: 2, groups: new Map() })).toBe(2);
  expect(seatsJson(byGroup({ finance: 1, ops: 2 }))).toEqual({ finance: 1, ops: 2 });
});
