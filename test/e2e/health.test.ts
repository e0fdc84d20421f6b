/** Whether the real daemon tells the truth of itself at /health and /ready: each thing that keeps it from work, and its end. */

import { expect, test } from "vitest";
import { MAY_MOUNT, mountSmallDisk } from "../ledger/small_disk.ts";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { childrenOf } from "../support/processes.ts";
import { shared } from "../support/shared.ts";
import { until } from "../support/until.ts";

const MEBIBYTE = 2 ** 20;
const alice = new Approver("alice");
const CONFIG =
  `executor_id = "openexec:test"\n${alice.toml()}[actions.echo]\nmodule = "builtin:echo"\n`;

interface Scene extends AsyncDisposable {
  readonly directory: string;
  /** Where handlers of `wait` wait for a file. */
  readonly gate: string;
  daemon: Daemon;
}

/** The last test that uses it ends it. */
const started = shared(async (): Promise<Scene> => {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-health-" });
  const gate = `${directory}/gate`;
  const wait = actionToml("wait", handler("wait_for_file.ts"), `allow = { read = ["${gate}"] }`);
  const scene: Scene = {
    directory,
    gate,
    daemon: await Daemon.start({ directory, config: CONFIG + wait }),
    async [Symbol.asyncDispose]() {
      await scene.daemon.close();
      Deno.removeSync(directory, { recursive: true });
    },
  };
  return scene;
});

function execute(daemon: Daemon, approved: unknown = alice.approve(request("echo", {}))) {
  return call(daemon.socket, "POST", "/execute", approved);
}

/** What /health, /ready, / and a request say. */
async function says(daemon: Daemon) {
  const [health, ready, service, attempt] = await Promise.all([
    call(daemon.socket, "GET", "/health"),
    call(daemon.socket, "GET", "/ready"),
    call(daemon.socket, "GET", "/"),
    execute(daemon),
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
  const all = await started();
  let { daemon } = all;
  expect(await says(daemon)).toEqual(WELL);
  await call(daemon.socket, "POST", "/admin/halt");
  expect(await says(daemon)).toEqual(unwell("halted"));
  await daemon.stop();
  daemon = all.daemon = await Daemon.start({ directory: all.directory });
  expect(await says(daemon)).toEqual(unwell("halted"));
  await call(daemon.socket, "POST", "/admin/resume");
  expect(await says(daemon)).toEqual(WELL);
});

test("a daemon that cannot have executors says so, and recovers by itself", async () => {
  const { daemon } = await started();
  const needed = `${daemon.directory}/state/executors/import_map.json`;
  Deno.renameSync(needed, `${needed}.away`);
  for (const pid of childrenOf(daemon.pid)) Deno.kill(pid, "SIGKILL");
  await until(async () => (await call(daemon.socket, "GET", "/ready")).status === 503);
  expect(await says(daemon)).toEqual(unwell("executor_unavailable"));
  Deno.renameSync(`${needed}.away`, needed);
  await until(async () => (await call(daemon.socket, "GET", "/ready")).status === 200);
  expect(await says(daemon)).toEqual(WELL);
});

test("a draining daemon says so while what runs goes on", async () => {
  const { daemon, gate } = await started();
  const running = execute(daemon, alice.approve(request("wait", { file: gate })));
  await until(async () => (await call(daemon.socket, "GET", "/admin/status")).json.in_flight === 1);
  daemon.process.kill("SIGTERM");
  // a connection that the signal meets may be closed instead of answered
  const ready = () => call(daemon.socket, "GET", "/ready").catch(() => null);
  await until(async () => (await ready())?.status === 503);
  expect(await says(daemon)).toEqual(unwell("draining"));
  Deno.writeTextFileSync(gate, "");
  expect((await running).json).toMatchObject({ status: "succeeded" });
  expect((await daemon.process.status).code).toBe(0);
});

const needsMount = MAY_MOUNT ? "" : " [skipped: needs mount(8) as root]";

test.skipIf(!MAY_MOUNT)(
  `a daemon whose disk is full says so, and recovers by itself${needsMount}`,
  async () => {
    using disk = mountSmallDisk(32 * MEBIBYTE);
    if (disk === undefined) throw new Error("mount(8) worked a moment ago");
    const daemon = await Daemon.start({ directory: disk.path, config: CONFIG });
    const approved = alice.approve(request("echo", { before: "it was full" }));
    expect((await execute(daemon, approved)).status).toBe(200);
    disk.fill();
    await until(async () => (await execute(daemon)).json.code === "storage_full");
    expect(await says(daemon)).toEqual(unwell("storage_full", 507));
    expect((await execute(daemon, approved)).json).toMatchObject({
      status: "succeeded",
      replayed: true,
    });
    disk.free();
    await until(async () => (await call(daemon.socket, "GET", "/ready")).status === 200);
    expect(await says(daemon)).toEqual(WELL);
    await daemon.stop();
  },
);
