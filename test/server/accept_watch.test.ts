import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { libc } from "../../src/os/libc.ts";
import { bindUnixListener, isConnectionWaiting, knock } from "../../src/os/sockets/unix_socket.ts";
import { AcceptWatch } from "../../src/os/sockets/acceptor.ts";
import { TestServer } from "./fakes.ts";

let directory: string;
beforeEach(() => void (directory = Deno.makeTempDirSync({ prefix: "openexec-watch-" })));
afterEach(() => Deno.removeSync(directory, { recursive: true }));

test("a socket that accepts is not stuck, though nobody else connects to it", async () => {
  const server = await TestServer.start();
  expect(await server.server.isAccepting()).toBe(true);
  await server.close();
});

test("a socket on which the watch's own connection waits is stuck", async () => {
  const path = join(directory, "deaf.sock");
  const { descriptor } = bindUnixListener(path, 0o600, null);
  const watch = new AcceptWatch(() => knock(path), () => isConnectionWaiting(descriptor));
  expect(await watch.isStuck()).toBe(true);
  libc.close(descriptor); // other tests count what this process listens on
});

test("a socket that the daemon's own user may not use is stuck when others wait", async () => {
  const watch = (isWaiting: boolean) => new AcceptWatch(() => () => {}, () => isWaiting);
  expect(await watch(true).isStuck()).toBe(true);
  expect(await watch(false).isStuck()).toBe(false);
});

test("an event loop that comes to accepting late was only busy", async () => {
  const leave = vi.fn();
  let turns = 0;
  const watch = new AcceptWatch(() => leave, () => {
    if (++turns === 90) watch.accepted();
    return true;
  });
  expect(await watch.isStuck()).toBe(false);
  expect([turns, leave.mock.calls.length]).toEqual([90, 1]);
});
