/** What a daemon says of permissions that its configuration gives and the host does not. */

import { afterEach, expect, test } from "vitest";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver } from "../support/approver.ts";
import { Daemon, openexec } from "../support/daemon.ts";

const CONFIG = `executor_id = "openexec:test"\n${new Approver("alice").toml()}`;
const LINE = "tell may write /nowhere/notes: No such file or directory";

let daemon: Daemon;
afterEach(() => daemon.close());

test("a permission that the daemon does not have is warned of, told by status, and fails doctor", async () => {
  const tell = actionToml("tell", handler("tell.ts"), 'allow = { write = ["/nowhere/notes"] }');
  daemon = await Daemon.start({ config: CONFIG + tell });
  expect(daemon.output.filter((line) => line.startsWith(`warning: ${LINE}`))).toHaveLength(1);
  const status = await openexec(daemon, ["status", "--json"]);
  expect(JSON.parse(status.stdout).unreachable).toEqual([LINE]);
  const doctor = await openexec(daemon, ["doctor"]);
  expect(doctor.stdout).toContain(`FAILED   allow          ${LINE}`);
  expect(doctor.code).toBe(1);
});

test("where every permission is backed, nothing is said", async () => {
  const tell = actionToml("tell", handler("tell.ts"), 'allow = { read = ["/etc/hostname"] }');
  daemon = await Daemon.start({ config: CONFIG + tell });
  expect(daemon.output.filter((line) => line.includes(" may "))).toEqual([]);
  const { stdout } = await openexec(daemon, ["doctor", "--json"]);
  expect(stdout).toContain('"check":"allow","state":"ok"');
});
