import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { notifier, watchdogPeriodMs } from "../../src/os/notify.ts";
import { assignInherited, inheritedSockets } from "../../src/os/sockets/socket_activation.ts";
import { StartupError } from "../../src/core/startup_error.ts";
import { openNotifySocket } from "../support/notify_socket.ts";
import { rawExchange } from "../support/raw_http.ts";
import { startStandIn } from "../support/stand_in.ts";
import { listeningSockets } from "../support/listening_sockets.ts";
import { testWith } from "../support/tools.ts";
import { until } from "../support/until.ts";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

testWith("python3")(
  "notify says what a service manager understands, over a path and an abstract name",
  async () => {
    const directory = Deno.makeTempDirSync({ prefix: "openexec-notify-" });
    for (const address of [`${directory}/notify`, `@openexec-test-${crypto.randomUUID()}`]) {
      const manager = await openNotifySocket(address);
      const telling = notifier(address);
      telling.ready("serving\nWATCHDOG=trigger");
      expect(await manager.message()).toEqual(["READY=1", "STATUS=serving WATCHDOG=trigger"]);
      telling.starting("migrating the ledger", 2000);
      const starting = ["STATUS=migrating the ledger", "EXTEND_TIMEOUT_USEC=2000000"];
      expect(await manager.message()).toEqual(starting);
      telling.reloading();
      const [reloading, since] = await manager.message();
      expect(reloading).toBe("RELOADING=1");
      // CLOCK_MONOTONIC is the machine's uptime, less what it slept.
      const micros = Number(/^MONOTONIC_USEC=(\d+)$/.exec(since ?? "")?.[1]);
      expect(micros).toBeGreaterThan(0);
      expect(micros / 1e6).toBeLessThanOrEqual(Deno.osUptime() + 1);
      telling.watchdog();
      expect(await manager.message()).toEqual(["WATCHDOG=1"]);
      telling.stopping("draining", 1500);
      expect(await manager.message()).toEqual([
        "STOPPING=1",
        "STATUS=draining",
        "EXTEND_TIMEOUT_USEC=1500000",
      ]);
      await manager.close();
    }
    Deno.removeSync(directory, { recursive: true });
  },
);

test("a service manager that is not there is no obstacle", () => {
  notifier(null).ready("serving");
  notifier("/nonexistent/notify").ready("serving");
  notifier(`/${"x".repeat(200)}`).ready("serving");
});

test("the watchdog is told twice per interval, and only by the process it is meant for", () => {
  expect(watchdogPeriodMs({ intervalMs: 30_000, pid: null }, 1)).toBe(15_000);
  expect(watchdogPeriodMs({ intervalMs: 30_000, pid: 1 }, 1)).toBe(15_000);
  expect(watchdogPeriodMs({ intervalMs: 30_000, pid: 2 }, 1)).toBeNull();
  expect(watchdogPeriodMs(null, 1)).toBeNull();
});

testWith("python3")(
  "a daemon under a service manager says ready, alive, reloading and stopping",
  async () => {
    const directory = Deno.makeTempDirSync({ prefix: "openexec-notify-" });
    const manager = await openNotifySocket(`${directory}/notify`);
    const standIn = startStandIn({
      env: { NOTIFY_SOCKET: `${directory}/notify`, WATCHDOG_USEC: "200000" },
    });
    try {
      expect(await manager.message()).toEqual(["READY=1", "STATUS=serving READY=0"]);
      expect(await manager.message()).toEqual(["WATCHDOG=1"]);
      expect(await manager.message()).toEqual(["WATCHDOG=1"]);
      standIn.process.kill("SIGHUP");
      const said: string[] = [];
      while (!said.includes("STATUS=reloaded")) said.push(...await manager.message());
      expect(said).toContain("RELOADING=1");
      standIn.process.kill("SIGTERM");
      while (!said.includes("STOPPING=1")) said.push(...await manager.message());
    } finally {
      await standIn.close();
      await manager.close();
      Deno.removeSync(directory, { recursive: true });
    }
  },
);

const ACTIVATE = "systemd-socket-activate";

testWith(ACTIVATE)(
  "sockets that were handed over are served, by path or by name, and stay when it ends",
  async () => {
    const directory = Deno.makeTempDirSync({ prefix: "openexec-activate-" });
    const served = `${directory}/agent.sock`;
    // The admin socket is bound elsewhere: it is recognised by its name.
    const elsewhere = `${directory}/somewhere.sock`;
    const standIn = startStandIn({
      directory,
      wrapper: [
        ACTIVATE,
        `--listen=${served}`,
        `--listen=${elsewhere}`,
        "--fdname=whatever:admin",
        "-E",
        "HOME",
      ],
    });
    try {
      await until(() => existsSync(elsewhere));
      const [first, second] = await Promise.all([
        rawExchange(served, GET),
        rawExchange(elsewhere, GET),
      ]);
      expect([first.answers[0]?.status, second.answers[0]?.status]).toEqual([200, 200]);
      expect((await rawExchange(elsewhere, GET.replace("/ ", "/metrics "))).answers[0]?.status)
        .toBe(200);
      expect(await standIn.line()).toMatchObject({ ready: true, pid: standIn.process.pid });
      const { internet, unix } = listeningSockets(standIn.process.pid);
      const own = unix.map((path) => path.replace(/~\/s$/, "")).sort();
      const bound = `${directory}/review.sock`;
      expect([internet, own]).toEqual([[], [served, elsewhere, bound].sort()]);
      standIn.process.kill("SIGTERM");
      await standIn.process.status;
      expect([existsSync(served), existsSync(elsewhere)]).toEqual([true, true]);
    } finally {
      await standIn.close();
    }
  },
);

testWith(ACTIVATE)("a TCP socket that was handed over stops the start", async () => {
  const { hostname, port } = freeAddress();
  await expectRefusedStart(`${hostname}:${port}`, () => Deno.connect({ hostname, port }));
});

testWith(ACTIVATE)(
  "a handed-over socket that everyone may connect to stops the start",
  async () => {
    await expectRefusedStart("agent.sock", (path) => {
      Deno.chmodSync(path, 0o666);
      return Deno.connect({ transport: "unix", path });
    });
  },
);

testWith(ACTIVATE)("a handed-over socket that no configuration names stops the start", async () => {
  await expectRefusedStart("other.sock", (path) => Deno.connect({ transport: "unix", path }));
});

/** `connect` is what makes systemd-socket-activate start the daemon; it is tried until there is something to connect to. */
async function expectRefusedStart(
  address: string,
  connect: (path: string) => Promise<Deno.Conn>,
): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-activate-" });
  const path = `${directory}/${address}`;
  const listen = `--listen=${address.includes(":") ? address : path}`;
  const standIn = startStandIn({ directory, wrapper: [ACTIVATE, listen, "-E", "HOME"] });
  try {
    await until(async () => {
      const connection = await Promise.try(connect, path).catch(() => null);
      connection?.close();
      return connection !== null;
    });
    await expect(standIn.line()).rejects.toThrow();
    expect((await standIn.process.status).code).not.toBe(0);
  } finally {
    await standIn.close();
  }
}

function freeAddress(): Deno.NetAddr {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { addr } = listener;
  listener.close();
  return addr;
}

test("descriptors that were meant for another process are not touched", () => {
  expect(inheritedSockets({ pid: 1, count: 2, names: [] }, 2)).toEqual([]);
  expect(inheritedSockets(null, 2)).toEqual([]);
  expect(inheritedSockets({ pid: 2, count: 2, names: ["agent", ""] }, 2)).toEqual([
    { descriptor: 3, name: "agent" },
    { descriptor: 4, name: null },
  ]);
});

test("a descriptor that is no socket is refused", () => {
  const standardInput = { descriptor: 0, name: "agent" };
  expect(() => assignInherited([standardInput], ["/run/agent.sock"])).toThrow(StartupError);
});
