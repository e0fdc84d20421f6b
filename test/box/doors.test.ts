import { expect, test } from "vitest";
import { findDoor } from "../../src/box/doors.ts";
import { cString, ENOENT, libc, O_RDONLY } from "../../src/os/libc.ts";

const NONE = new BigUint64Array(1);

/** execve(2) refuses a file that is no program, also to root: EACCES. */
const refused = () => libc.execve(cString(import.meta.filename ?? ""), NONE, NONE);
const missing = () => libc.open(cString("/nowhere/at/all"), O_RDONLY);
const opened = () => 0;

/** Gives each of these answers in turn, the last one again and again. */
function inTurn(...attempts: (() => number)[]): () => number {
  return () => (attempts.length > 1 ? attempts.shift() : attempts[0])?.() ?? 0;
}

test("findDoor() calls a door shut that the kernel refuses, also where errno was another's once", () => {
  expect(findDoor(refused)).toBe("shut");
  expect(findDoor(inTurn(missing, refused))).toBe("shut");
});

test("findDoor() calls a door open that opens, and one that fails otherwise each time by its error", () => {
  expect(findDoor(opened)).toBe("open");
  expect(findDoor(inTurn(missing, opened))).toBe("open");
  expect(findDoor(missing)).toBe("No such file or directory");
  expect(findDoor(missing, [ENOENT])).toBe("shut");
});
