/**
 * A process that serves as the daemon does, with fakes behind it: for tests that need signals,
 * descriptors of a service manager, or another uid. Usage: FOLDER [options as JSON]. It prints a JSON
 * line when it is ready, when a run begins, and at its end.
 */

import { readEnvironment } from "../../src/config/environment.ts";
import { notifier, watchdogPeriodMs } from "../../src/os/notify.ts";
import { inheritedSockets } from "../../src/os/sockets/socket_activation.ts";
import { Signals } from "../../src/daemon/signals.ts";
import { TestServer } from "./fakes.ts";

const [directory = "", options = "{}"] = Deno.args;
const { runMs = 0, ...serverOptions } = JSON.parse(options);
const { systemd } = readEnvironment();

void Deno.stdin.readable.pipeTo(new WritableStream()).finally(() => Deno.exit(1));

const server = await TestServer.startIn(directory, {
  ...serverOptions,
  inherited: inheritedSockets(systemd.listen, Deno.pid),
});
server.engine.gate = new Promise((resolve) => setTimeout(resolve, runMs));

server.engine.onRun = () => say({ running: server.engine.executed.length });

const signals = new Signals({ endAtOnce: () => end("stopped") });
const manager = notifier(systemd.notifySocket);
const period = watchdogPeriodMs(systemd.watchdog, Deno.pid);
const watchdog = period === null ? undefined : setInterval(() => manager.watchdog(), period);
manager.ready("serving\nREADY=0");
say({ ready: true, pid: Deno.pid });
let reloads = 0;
signals.serveReloads(() => {
  manager.reloading();
  reloads += 1;
  manager.ready("reloaded");
  return Promise.resolve();
});
await signals.stop;
manager.stopping("draining", 1000);
await server.server.drain();
clearInterval(watchdog);
end("drained");

function end(how: "drained" | "stopped"): never {
  say({ end: how, reloads, executed: server.engine.executed.length });
  Deno.exit(0);
}

function say(value: unknown): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}
