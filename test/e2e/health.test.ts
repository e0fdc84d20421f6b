/** Whether the real daemon tells the truth of itself at /health and /ready: each thing that keeps it from work, and its end. */

import { afterEach, expect, test } from "vitest";
import { MAY_MOUNT, mountSmallDisk } from "../ledger/small_disk.ts";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { childrenOf } from "../support/processes.ts";
import { until } from "../support/until.ts";

const MEBIBYTE = 2 ** 20;
const alice = new Approver("alice");
const CONFIG =
  `executor_id = "openexec:test"\n${alice.toml()}[actions.echo]\nmodule = "builtin:echo"\n`;

let daemon: Daemon;
afterEach(() => daemon.close());

function execute(approved: unknown = alice.approve(request("echo", {}))) {
  return call(daemon.socket, "POST", "/execute", approved);
}

/** What /health, /ready, / and a request say. */
async function says() {
  const [health, ready, service, attempt] = await Promise.all([
    call(daemon.socket, "GET", "/health"),
    call(daemon.socket, "GET", "/ready"),
    call(daemon.socket, "GET", "/"),
    execute(),
  ]);
  return {
    health: [health.status, health.json.status, ...(health.json.refusing ?? [])],
    ready: [ready.status, ready.json.ready],
    service: service.json.status,
    attempt: [attempt.status, attempt.json.code ?? "succeeded"],
  };
}

const WELL = {
  health: [200, "healthy"],
  ready: [200, true],
  service: "running",
  attempt: [200, "succeeded"],
};

function unwell(code: string, status = 503) {
  return {
    health: [503, "unhealthy", code],
    ready: [503, false],
    service: "unavailable",
    attempt: [status, code],
  };
}

test("a halted daemon says so, also after a restart, until it is resumed", async () => {
  daemon = await Daemon.start({ config: CONFIG });
  const first = daemon;
  expect(await says()).toEqual(WELL);
  await call(daemon.socket, "POST", "/admin/halt");
  expect(await says()).toEqual(unwell("halted"));
  await first.stop();
  daemon = await Daemon.start({ directory: first.directory });
  expect(await says()).toEqual(unwell("halted"));
  await call(daemon.socket, "POST", "/admin/resume");
  expect(await says()).toEqual(WELL);
  await daemon.stop();
  await first.close();
});

test("a draining daemon says so while what runs goes on", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-health-" });
  const gate = `${directory}/gate`;
  const wait = actionToml("wait", handler("wait_for_file.ts"), `allow = { read = ["${gate}"] }`);
  daemon = await Daemon.start({ directory, config: CONFIG + wait });
  const running = execute(alice.approve(request("wait", { file: gate })));
  await until(async () => (await call(daemon.socket, "GET", "/admin/status")).json.in_flight === 1);
  daemon.process.kill("SIGTERM");
  await until(async () => (await call(daemon.socket, "GET", "/ready")).status === 503);
  expect(await says()).toEqual(unwell("draining"));
  Deno.writeTextFileSync(gate, "");
  expect((await running).json).toMatchObject({ status: "succeeded" });
  expect((await daemon.process.status).code).toBe(0);
  Deno.removeSync(directory, { recursive: true });
});

test("a daemon that cannot have executors says so, and recovers by itself", async () => {
  daemon = await Daemon.start({ config: CONFIG });
  const needed = `${daemon.directory}/state/executors/import_map.json`;
  Deno.renameSync(needed, `${needed}.away`);
  for (const pid of childrenOf(daemon.pid)) Deno.kill(pid, "SIGKILL");
  await until(async () => (await call(daemon.socket, "GET", "/ready")).status === 503);
  expect(await says()).toEqual(unwell("executor_unavailable"));
  Deno.renameSync(`${needed}.away`, needed);
  await until(async () => (await call(daemon.socket, "GET", "/ready")).status === 200);
  expect(await says()).toEqual(WELL);
});

const needsMount = MAY_MOUNT ? "" : " [skipped: needs mount(8) as root]";

test.skipIf(!MAY_MOUNT)(
  `a daemon whose disk is full says so, and recovers by itself${needsMount}`,
  async () => {
    using disk = mountSmallDisk(32 * MEBIBYTE);
    if (disk === undefined) throw new Error("mount(8) worked a moment ago");
    daemon = await Daemon.start({ directory: disk.path, config: CONFIG });
    const approved = alice.approve(request("echo", { before: "it was full" }));
    expect((await execute(approved)).status).toBe(200);
    disk.fill();
    await until(async () => (await execute()).json.code === "storage_full");
    expect(await says()).toEqual(unwell("storage_full", 507));
    expect((await execute(approved)).json).toMatchObject({ status: "succeeded", replayed: true });
    disk.free();
    await until(async () => (await call(daemon.socket, "GET", "/ready")).status === 200);
    expect(await says()).toEqual(WELL);
    await daemon.stop();
  },
);
