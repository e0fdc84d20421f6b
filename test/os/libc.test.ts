import { expect, test } from "vitest";
import { cString, ECONNREFUSED, errno, errorText, libc } from "../../src/os/libc.ts";

test("text with NUL is no text for a system call", () => {
  expect([...cString("ab")]).toEqual([97, 98, 0]);
  expect(() => cString("a\0b")).toThrow(TypeError);
});

test("errors have their number and their words", () => {
  expect(libc.close(-1)).toBe(-1);
  expect(errorText(errno())).toBe("Bad file descriptor");
  expect(errorText(ECONNREFUSED)).toBe("Connection refused");
});

test("a function is looked up once, when it is first named", () => {
  const names = Object.getOwnPropertyNames(libc);
  expect(names).toContain("getpgid");
  const found = libc.getpgid;
  expect(libc.getpgid).toBe(found);
  expect(found(0)).toBeGreaterThan(0);
});
