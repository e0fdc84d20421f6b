import { expect, test } from "vitest";
import { ENVIRONMENT_NAMES, environmentOf, readEnvironment } from "../../src/config/environment.ts";

test("environmentOf() takes empty variables for unset ones", () => {
  const empty = Object.fromEntries(ENVIRONMENT_NAMES.map((name) => [name, ""]));
  expect(environmentOf(empty)).toEqual(environmentOf({}));
});

test("environmentOf() reads nothing but the names it documents", () => {
  const asked = new Set<string>();
  const recorder = new Proxy<Record<string, string>>({}, {
    get: (_, name) => {
      asked.add(String(name));
      return undefined;
    },
  });
  environmentOf(recorder);
  expect([...asked].sort()).toEqual([...ENVIRONMENT_NAMES].sort());
});

test("environmentOf() ignores relative folders", () => {
  const { home, xdgRuntimeDir, xdgStateHome, systemd } = environmentOf({
    HOME: "u",
    XDG_RUNTIME_DIR: "./run",
    XDG_STATE_HOME: "state",
    CREDENTIALS_DIRECTORY: "credentials",
  });
  expect([home, xdgRuntimeDir, xdgStateHome, systemd.credentialsDirectory]).toEqual([
    null,
    null,
    null,
    null,
  ]);
});

test.each([
  [{ LISTEN_FDS: "2", LISTEN_PID: "7", LISTEN_FDNAMES: "agent:admin" }, {
    pid: 7,
    count: 2,
    names: ["agent", "admin"],
  }],
  [{ LISTEN_FDS: "1", LISTEN_PID: "7" }, { pid: 7, count: 1, names: [] }],
  [{ LISTEN_FDS: "1" }, null],
  [{ LISTEN_FDS: "-1", LISTEN_PID: "7" }, null],
  [{ LISTEN_FDS: "1e3", LISTEN_PID: "7" }, null],
])("environmentOf(%o) has the passed sockets %o", (variables, listen) => {
  expect(environmentOf(variables).systemd.listen).toEqual(listen);
});

test.each([
  [{ WATCHDOG_USEC: "3000000" }, { intervalMs: 3000, pid: null }],
  [{ WATCHDOG_USEC: "1500", WATCHDOG_PID: "9" }, { intervalMs: 1.5, pid: 9 }],
  [{ WATCHDOG_USEC: "0" }, null],
  [{ WATCHDOG_USEC: "soon" }, null],
])("environmentOf(%o) has the watchdog %o", (variables, watchdog) => {
  expect(environmentOf(variables).systemd.watchdog).toEqual(watchdog);
});

test.each([["9:123", { device: "9", inode: "123" }], ["9", null], ["a:b", null]])(
  "environmentOf() reads JOURNAL_STREAM %s as %o",
  (text, stream) => {
    expect(environmentOf({ JOURNAL_STREAM: text }).systemd.journalStream).toEqual(stream);
  },
);

test("readEnvironment() reads the process's own variables", () => {
  Deno.env.set("OPENEXEC_SOCKET", "/from/the/process.sock");
  try {
    expect(readEnvironment().socket).toBe("/from/the/process.sock");
  } finally {
    Deno.env.delete("OPENEXEC_SOCKET");
  }
  expect(readEnvironment().socket).toBeNull();
});
