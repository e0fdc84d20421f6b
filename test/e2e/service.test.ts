/** The real daemon as a service: what its manager hands over, hears and sends. */

import { existsSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver, request } from "../support/approver.ts";
import { Daemon, type DaemonOptions } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { listeningSockets } from "../support/listening_sockets.ts";
import { type NotifySocket, openNotifySocket } from "../support/notify_socket.ts";
import { childrenOf } from "../support/processes.ts";
import { shared } from "../support/shared.ts";
import { endAtOnce } from "../support/signals.ts";
import { testWith } from "../support/tools.ts";
import { until } from "../support/until.ts";

const alice = new Approver("alice");
const bob = new Approver("bob");
const HEAD = `executor_id = "openexec:test"\n`;
/** Enough that some request is on its way to its reservation at one of them. */
const RELOADS = 60;
const ECHO = `[actions.echo]\nmodule = "builtin:echo"\n`;

let directory: string | undefined;
let daemon: Daemon | undefined;
let manager: NotifySocket | undefined;

afterEach(async () => {
  await daemon?.close();
  await manager?.close();
  if (directory !== undefined) Deno.removeSync(directory, { recursive: true });
  directory = daemon = manager = undefined;
});

/** In a fresh folder, with a manager that listens; not yet ready. */
async function launch(
  config: (folder: string) => string,
  rest: DaemonOptions = {},
): Promise<{ daemon: Daemon; manager: NotifySocket; folder: string }> {
  const folder = directory = Deno.makeTempDirSync({ prefix: "openexec-service-" });
  manager = await openNotifySocket(`${folder}/notify`);
  const env = { NOTIFY_SOCKET: manager.address, ...rest.env };
  daemon = Daemon.launch({ directory: folder, config: config(folder), ...rest, env });
  return { daemon, manager, folder };
}

/** A daemon with approver alice that was asked for a reload while it started, and its manager. */
interface Scene extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly manager: NotifySocket;
  readonly folder: string;
  /** What the manager heard between the time that it was ready first and the next. */
  readonly heard: readonly (readonly string[])[];
}

const scene = shared(async (): Promise<Scene> => {
  const folder = Deno.makeTempDirSync({ prefix: "openexec-service-" });
  const manager = await openNotifySocket(`${folder}/notify`);
  const daemon = Daemon.launch({
    directory: folder,
    config: trusting(alice, folder),
    env: { NOTIFY_SOCKET: manager.address },
  });
  await manager.until("STATUS=starting");
  daemon.process.kill("SIGHUP");
  await manager.until("READY=1");
  const heard = await manager.until("READY=1");
  return {
    daemon,
    manager,
    folder,
    heard,
    async [Symbol.asyncDispose]() {
      await daemon.close();
      await manager.close();
      Deno.removeSync(folder, { recursive: true });
    },
  };
});

/** The scene, where this approver is trusted and nobody else. */
async function trusted(approver: Approver): Promise<Scene> {
  const all = await scene();
  all.daemon.configure(trusting(approver, all.folder));
  all.daemon.process.kill("SIGHUP");
  await all.manager.until("RELOADING=1");
  await all.manager.until("READY=1");
  return all;
}

function execute(socket: string, approved: unknown) {
  return call(socket, "POST", "/execute", approved);
}

/** Executions still running, by an admin socket. */
async function running(socket: string): Promise<number> {
  return (await call(socket, "GET", "/admin/status")).json.in_flight;
}

testWith("python3")("a service manager hears of start, life, reload and end", async () => {
  const { daemon, manager } = await launch(() => HEAD + alice.toml() + ECHO, {
    env: { WATCHDOG_USEC: "400000" },
  });
  expect(await manager.message()).toEqual(["STATUS=starting"]);
  expect(await manager.message()).toEqual(["READY=1", "STATUS=serving 1 actions"]);
  await daemon.ready;
  await manager.until("WATCHDOG=1");
  await call(daemon.socket, "POST", "/admin/halt");
  await manager.until("STATUS=takes no work: halted");
  daemon.process.kill("SIGHUP");
  const [reloading] = (await manager.until("RELOADING=1")).slice(-1);
  expect(reloading).toEqual(["RELOADING=1", expect.stringMatching(/^MONOTONIC_USEC=\d+$/)]);
  await manager.until("READY=1");
  daemon.process.kill("SIGTERM");
  const [stopping] = (await manager.until("STOPPING=1")).slice(-1);
  expect(stopping).toEqual(["STOPPING=1", "STATUS=draining", "EXTEND_TIMEOUT_USEC=40000000"]);
  expect(await daemon.process.status).toMatchObject({ code: 0, signal: null });
  expect(existsSync(daemon.socket)).toBe(false);
});

testWith("python3")("SIGTERM while it starts ends it well, and it is never ready", async () => {
  const slow = actionToml("slow", handler("slow_to_load.ts"));
  const { daemon, manager } = await launch(() => HEAD + alice.toml() + slow);
  await manager.until("STATUS=starting");
  daemon.process.kill("SIGTERM");
  const said = await manager.until("STOPPING=1");
  expect(said.flat()).not.toContain("READY=1");
  expect(await daemon.process.status).toMatchObject({ code: 0, signal: null });
  expect(daemon.output).not.toContain("ready");
  expect(existsSync(daemon.socket)).toBe(false);
});

testWith("python3")("SIGHUP while it starts is a reload once it has", async () => {
  const { heard } = await scene();
  expect(heard[0]?.[0]).toBe("RELOADING=1");
});

testWith("python3")(
  "a second SIGTERM ends it at once, and what ran is unknown to the next",
  async () => {
    const { daemon: first, manager, folder } = await launch((folder) =>
      HEAD + alice.toml() +
      actionToml("wait", handler("wait_for_file.ts"), `allow = { read = ["${folder}/gate"] }`)
    );
    await first.ready;
    const approved = alice.approve(request("wait", { file: `${folder}/gate` }));
    const cutOff = execute(first.socket, approved).catch(() => "cut off");
    await until(async () => await running(first.socket) === 1);
    const executors = childrenOf(first.pid);
    expect(executors).not.toEqual([]);
    first.process.kill("SIGTERM");
    await manager.until("STOPPING=1");
    expect(await endAtOnce(first.process)).toMatchObject({ code: 1, signal: null });
    expect([await cutOff, existsSync(first.socket)]).toEqual(["cut off", false]);
    await until(() => executors.every((pid) => !existsSync(`/proc/${pid}`)));
    daemon = await Daemon.start({ directory: folder });
    expect((await execute(daemon.socket, approved)).json).toMatchObject({
      code: "outcome_unknown",
      execution: { status: "outcome_unknown", replayed: true },
    });
  },
);

test("what has to be mended first ends it with exit code 2", async () => {
  const folder = directory = Deno.makeTempDirSync({ prefix: "openexec-service-" });
  for (
    const broken of [
      "nonsense = 1",
      `${alice.toml()}[[sockets]]\npath = "${folder}/none/agent.sock"`,
    ]
  ) {
    const refused = Daemon.launch({ directory: folder, config: broken });
    expect(await refused.process.status).toMatchObject({ code: 2, signal: null });
  }
});

testWith("python3")(
  "a reload takes approvers away and lets them in, and what runs goes on",
  async () => {
    const { daemon, folder } = await trusted(alice);
    const inFlight = execute(
      daemon.socket,
      alice.approve(request("wait", { file: `${folder}/gate` })),
    );
    await until(async () => await running(daemon.socket) === 1);
    expect((await execute(daemon.socket, bob.approve(request("echo", {})))).json.code).toBe(
      "approval_signer_unknown",
    );

    await trusted(bob);
    expect((await execute(daemon.socket, alice.approve(request("echo", {})))).json.code).toBe(
      "approval_signer_unknown",
    );
    expect((await execute(daemon.socket, bob.approve(request("echo", {})))).status).toBe(200);
    Deno.writeTextFileSync(`${folder}/gate`, "");
    expect((await inFlight).json).toMatchObject({ status: "succeeded", replayed: false });
  },
);

/** Approved by one approver; `wait` runs until `gate` is there. */
function trusting(approver: Approver, folder: string): string {
  const wait = actionToml(
    "wait",
    handler("wait_for_file.ts"),
    `allow = { read = ["${folder}/gate"] }`,
  );
  return HEAD + approver.toml() + ECHO + wait;
}

testWith("python3")(
  "nothing is reserved for an approver who was taken away, however far it was",
  async () => {
    const { daemon } = await trusted(alice);
    let isOver = false;
    const caller = async (caller: number) => {
      for (let turn = 0; !isOver; turn++) {
        await execute(daemon.socket, alice.approve(request("echo", { caller, turn })));
      }
    };
    const callers = Array.from({ length: 8 }, (_, index) => caller(index));
    for (let reloads = 0; reloads < RELOADS; reloads++) {
      await trusted(reloads % 2 === 0 ? bob : alice);
    }
    isOver = true;
    await Promise.all(callers);
    const receipts = await receiptsOf(daemon.socket);
    const reserved = receipts.flatMap(({ reserved_at }) =>
      reserved_at === undefined ? [] : [Date.parse(reserved_at)]
    );
    const reloads = receipts.filter(({ act }) => act === "reload").map(({ at = "" }) =>
      Date.parse(at)
    ).slice(-RELOADS);
    const whileUntrusted = reloads.flatMap((from, index) =>
      index % 2 === 0 ? reserved.filter((at) => at > from && at < (reloads[index + 1] ?? 0)) : []
    );
    expect(reserved.length).toBeGreaterThan(0);
    expect(whileUntrusted).toEqual([]);
  },
);

/** What is looked at here of a receipt's body. */
interface Receipt {
  readonly act?: string;
  readonly at?: string;
  readonly reserved_at?: string;
}

/** Bodies of all receipts in the log. */
async function receiptsOf(socket: string): Promise<Receipt[]> {
  const size = Number((await call(socket, "GET", "/log/checkpoint")).text.split("\n")[1]);
  const receipts: Receipt[] = [];
  for (let index = 0; index < size; index++) { // all at once are more connections than a uid may have
    const { json } = await call(socket, "GET", `/receipts/${index}`);
    receipts.push(JSON.parse(Buffer.from(json.attestation.payload, "base64").toString()));
  }
  return receipts;
}

testWith("python3")(
  "a broken configuration at a reload leaves the old one in force and says so",
  async () => {
    const { daemon, manager } = await trusted(alice);
    daemon.configure(`${HEAD}${alice.toml()}${ECHO}timeout = "soon"\n`);
    daemon.process.kill("SIGHUP");
    const said = await manager.until("READY=1");
    expect(said.at(-1)).toEqual(["READY=1", "STATUS=serving 2 actions; the last reload failed"]);
    await until(() => daemon.output.some((line) => line.includes("reload failed")));
    const lines = daemon.output.filter((line) => line.startsWith("{")).map((line) =>
      JSON.parse(line)
    );
    expect(lines).toContainEqual(expect.objectContaining({
      level: "error",
      part: "config",
      problem: expect.stringMatching(/openexec\.toml:\d+: actions\.echo\.timeout: /),
    }));
    expect(lines.filter((line) => "frames" in line)).toEqual([]);
    expect((await execute(daemon.socket, alice.approve(request("echo", {})))).status).toBe(200);

    daemon.configure(HEAD + bob.toml() + ECHO + `[actions.more]\nmodule = "builtin:add"\n`);
    daemon.process.kill("SIGHUP");
    await manager.until("STATUS=serving 2 actions");
    expect((await execute(daemon.socket, bob.approve(request("echo", {})))).status).toBe(200);
    // What is not trust waits for a restart.
    expect((await execute(daemon.socket, bob.approve(request("more", {})))).json.code).toBe(
      "action_unknown",
    );
  },
);

testWith("python3", "prlimit")(
  "a socket that takes no connections any more ends the daemon",
  async () => {
    const { daemon, manager } = await launch(() => HEAD + alice.toml() + ECHO, {
      env: { WATCHDOG_USEC: "400000" },
    });
    await daemon.ready;
    await manager.until("WATCHDOG=1");
    const open = [...Deno.readDirSync(`/proc/${daemon.pid}/fd`)].length;
    await new Deno.Command("prlimit", { args: [`--pid=${daemon.pid}`, `--nofile=${open}:${open}`] })
      .output();
    // Some find a free descriptor; the first that does not is the last that is looked at.
    const waiting: Deno.Conn[] = [];
    for (let count = 0; count < 50; count++) {
      waiting.push(await Deno.connect({ transport: "unix", path: daemon.socket }));
    }
    await manager.until("STOPPING=1");
    expect(await daemon.process.status).toMatchObject({ code: 1, signal: null });
    for (const connection of waiting) connection.close();
  },
);

const ACTIVATE = "systemd-socket-activate";

testWith(ACTIVATE, "python3")(
  "sockets that systemd bound are served, by path or by name, and stay when it ends",
  async () => {
    const names = ["HOME", "PATH", "OPENEXEC_CONFIG", "NOTIFY_SOCKET"].flatMap((
      name,
    ) => ["-E", name]);
    const sockets = (folder: string) =>
      `[[sockets]]\npath = "${folder}/agent.sock"\n` +
      `[[sockets]]\npath = "${folder}/admin.sock"\nrole = "admin"\n`;
    const folder = Deno.makeTempDirSync({ prefix: "openexec-elsewhere-" });
    const { daemon, manager } = await launch(
      (folder) => HEAD + alice.toml() + ECHO + sockets(folder),
      {
        wrapper: [
          ACTIVATE,
          `--listen=${folder}/agent.sock`,
          `--listen=${folder}/operators`,
          "--fdname=agent:admin",
          ...names,
        ],
      },
    );
    try {
      await until(() => existsSync(`${folder}/operators`));
      // the first request starts it: what is approved from then on is after its ledger's fence
      expect((await call(`${folder}/agent.sock`, "GET", "/ready")).status).toBe(200);
      const approved = alice.approve(request("echo", { msg: "activated" }));
      expect((await execute(`${folder}/agent.sock`, approved)).json).toMatchObject({
        status: "succeeded",
      });
      expect((await call(`${folder}/agent.sock`, "GET", "/metrics")).json.code).toBe("admin_only");
      expect((await call(`${folder}/operators`, "GET", "/metrics")).status).toBe(200);
      const { internet, unix } = listeningSockets(daemon.pid);
      expect([internet, [...unix].sort()]).toEqual([[], [
        `${folder}/agent.sock`,
        `${folder}/operators`,
      ]]);
      await manager.until("READY=1");
      expect((await daemon.stop()).code).toBe(0);
      expect([existsSync(`${folder}/agent.sock`), existsSync(`${folder}/operators`)]).toEqual([
        true,
        true,
      ]);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
);
