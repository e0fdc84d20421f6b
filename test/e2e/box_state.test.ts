/** What a daemon says of the box around its handlers: at its start, in /health, status and doctor. */

import { afterEach, expect, test } from "vitest";
import { join } from "node:path";
import { program } from "../../src/os/program.ts";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver } from "../support/approver.ts";
import { Daemon, openexec } from "../support/daemon.ts";
import { call } from "../support/http.ts";

const CONFIG = `executor_id = "openexec:test"\n${new Approver("alice").toml()}`;
const UNCONFINED = actionToml("tell", handler("tell.ts"), "unconfined = true");
const WITHOUT_LANDLOCK = [
  program.runtime,
  ...["run", "--quiet", "--allow-all"],
  join(program.root, "test/support/without_landlock.ts"),
];

let daemon: Daemon;
afterEach(() => daemon.close());

const saidOf = (what: string) => daemon.output.filter((line) => line.includes(what));

test("a whole box is told in /health and status, and nothing is warned of", async () => {
  daemon = await Daemon.start({ config: CONFIG });
  const { json } = await call(daemon.socket, "GET", "/health");
  expect(json.box).toEqual({ kernel: "whole", missing: [], unconfined: [] });
  const { stdout } = await openexec(daemon, ["status", "--json"]);
  expect(JSON.parse(stdout).box).toEqual(json.box);
  expect(saidOf("box")).toEqual([]);
});

test("an action outside of the box is named at every start, in /health and by doctor", async () => {
  daemon = await Daemon.start({ config: CONFIG + UNCONFINED });
  expect(saidOf("warning: tell runs outside of the box: take unconfined")).toHaveLength(1);
  const { json } = await call(daemon.socket, "GET", "/health");
  expect(json.box).toEqual({ kernel: "whole", missing: [], unconfined: ["tell"] });
  const { stdout } = await openexec(daemon, ["doctor"]);
  expect(stdout).toMatch(/^warning {2}box +tell runs outside of the box$/m);
});

test("a kernel without Landlock is told of in the same places, and refused where it is required", async () => {
  daemon = await Daemon.start({ config: CONFIG, wrapper: WITHOUT_LANDLOCK });
  expect(saidOf("warning: the kernel lacks Landlock")).toHaveLength(1);
  const { status, json } = await call(daemon.socket, "GET", "/health");
  expect([status, json.box]).toEqual([200, {
    kernel: "partial",
    missing: [expect.stringContaining("Landlock")],
    unconfined: [],
  }]);
  const { stdout } = await openexec(daemon, ["status"]);
  expect(stdout).toMatch(/^box\.kernel\W+partial$/m);
  await daemon.close();

  const config = `${CONFIG}[box]\nkernel = "required"\n`;
  daemon = Daemon.launch({ config, wrapper: WITHOUT_LANDLOCK });
  expect((await daemon.process.status).code).toBe(2);
});
