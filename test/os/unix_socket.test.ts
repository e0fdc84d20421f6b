import net from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { StartupError } from "../../src/core/startup_error.ts";
import { groupId } from "../../src/os/files.ts";
import { Acceptor } from "../../src/os/sockets/acceptor.ts";
import { libc } from "../../src/os/libc.ts";
import {
  bindUnixListener,
  isHungUp,
  pathOfAddress,
  peerCredentials,
  removeUnixListener,
  unixAddress,
} from "../../src/os/sockets/unix_socket.ts";
import { until } from "../support/until.ts";

const isRoot = Deno.uid() === 0;

let directory: string;
const descriptors: number[] = [];
beforeEach(() => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-os-" });
});
afterEach(() => {
  for (const descriptor of descriptors.splice(0)) libc.close(descriptor);
  Deno.removeSync(directory, { recursive: true });
});

function bind(path: string, mode = 0o600, group: number | null = null) {
  const listener = bindUnixListener(path, mode, group);
  descriptors.push(listener.descriptor);
  return listener;
}

test.each([0o600, 0o660, 0o620, 0o700])(
  "a socket has mode %o whatever the umask says, and the umask stays",
  (mode) => {
    const before = Deno.umask(0o007);
    const path = join(directory, "a.sock");
    bind(path, mode);
    expect((Deno.statSync(path).mode ?? 0) & 0o7777).toBe(mode);
    expect(Deno.umask(before)).toBe(0o007);
  },
);

test("a socket is never seen with another mode or group than its final one", async () => {
  const path = join(directory, "a.sock");
  const group = isRoot ? groupId("nogroup") ?? 0 : Deno.gid() ?? 0;
  const watcher = Deno.watchFs(directory, { recursive: true });
  bind(path, 0o660, group);
  const status = Deno.statSync(path);
  expect([(status.mode ?? 0) & 0o7777, status.gid]).toEqual([0o660, group]);
  const seen: string[] = [];
  for await (const { kind, paths } of watcher) {
    seen.push(...paths.map((changed) => `${kind} ${changed.slice(directory.length + 1)}`));
    // in whatever order they come: of a folder that is gone again at once, the watcher tells this and that
    if (seen.includes("remove a.sock~") && seen.includes("rename a.sock")) break;
  }
  // It arrives at its path by a rename, and nothing about it changes there.
  expect(new Set(seen.filter((event) => event.endsWith(" a.sock")))).toEqual(
    new Set(["rename a.sock"]),
  );
});

test("nothing but the socket is left in its directory, and its name goes with it", () => {
  const listener = bind(join(directory, "a.sock"));
  expect([...Deno.readDirSync(directory)].map(({ name }) => name)).toEqual(["a.sock"]);
  removeUnixListener(listener);
  expect([...Deno.readDirSync(directory)]).toEqual([]);
});

test("a socket that nobody answers on is replaced", () => {
  const path = join(directory, "a.sock");
  libc.close(bindUnixListener(path, 0o600, null).descriptor);
  expect(Deno.statSync(path).isSocket).toBe(true);
  bind(path);
});

test("a socket that somebody answers on is left alone", async () => {
  const path = join(directory, "a.sock");
  bind(path);
  expect(() => bindUnixListener(path, 0o600, null)).toThrow(StartupError);
  (await Deno.connect({ transport: "unix", path })).close();
});

test("what is no socket is left alone", () => {
  const path = join(directory, "a.sock");
  Deno.writeTextFileSync(path, "mine");
  expect(() => bindUnixListener(path, 0o600, null)).toThrow(StartupError);
  expect(Deno.readTextFileSync(path)).toBe("mine");
});

test("a link at the path is left alone, wherever it leads", () => {
  const path = join(directory, "a.sock");
  const victim = join(directory, "victim.sock");
  libc.close(bindUnixListener(victim, 0o600, null).descriptor);
  Deno.symlinkSync(victim, path);
  expect(() => bindUnixListener(path, 0o600, null)).toThrow(StartupError);
});

test("what an interrupted start left behind is no obstacle", () => {
  const path = join(directory, "a.sock");
  Deno.mkdirSync(`${path}~`, { mode: 0o700 });
  Deno.writeTextFileSync(`${path}~/s`, "");
  bind(path);
});

test("somebody else's directory where the socket is to be born stops the start", () => {
  const path = join(directory, "a.sock");
  Deno.mkdirSync(`${path}~`);
  Deno.chmodSync(`${path}~`, 0o777);
  expect(() => bindUnixListener(path, 0o600, null)).toThrow(StartupError);
});

test("a link where the socket is to be born stops the start, and nothing behind it is touched", () => {
  const path = join(directory, "a.sock");
  Deno.mkdirSync(join(directory, "victim"), { mode: 0o700 });
  Deno.writeTextFileSync(join(directory, "victim/s"), "mine");
  Deno.symlinkSync(join(directory, "victim"), `${path}~`);
  expect(() => bindUnixListener(path, 0o600, null)).toThrow(StartupError);
  expect(Deno.readTextFileSync(join(directory, "victim/s"))).toBe("mine");
});

test("removing a name leaves another daemon's socket alone", () => {
  const path = join(directory, "a.sock");
  const first = bind(path);
  Deno.removeSync(path);
  bind(path);
  removeUnixListener(first);
  expect(Deno.statSync(path).isSocket).toBe(true);
});

test("a path that does not fit into an address is refused before anything is made", () => {
  const path = join(directory, "x".repeat(104));
  expect(() => bindUnixListener(path, 0o600, null)).toThrow(StartupError);
  expect([...Deno.readDirSync(directory)]).toEqual([]);
});

test("a missing directory is refused", () => {
  expect(() => bindUnixListener(join(directory, "none/a.sock"), 0o600, null)).toThrow(StartupError);
});

test("the kernel names the peer of a Unix socket", async () => {
  const directory = Deno.makeTempDirSync();
  const path = join(directory, "a.sock");
  const { descriptor } = bindUnixListener(path, 0o600, null);
  const accepted = Promise.withResolvers<number>();
  const acceptor = new Acceptor(descriptor, (connection) => {
    accepted.resolve(connection);
    return true;
  });
  const client = net.connect(path);
  const connection = await accepted.promise;
  const credentials = peerCredentials(connection);
  expect(credentials).toEqual({ pid: Deno.pid, uid: Deno.uid(), gid: Deno.gid() });
  client.destroy();
  libc.close(connection);
  await acceptor.close();
  Deno.removeSync(directory, { recursive: true });
});

test.each(["destroy", "end"] as const)(
  "a peer that hung up is known to have, also behind what it sent (%s)",
  async (hangUp) => {
    const { descriptor } = bindUnixListener(join(directory, "a.sock"), 0o600, null);
    const accepted = Promise.withResolvers<number>();
    const acceptor = new Acceptor(descriptor, (connection) => {
      accepted.resolve(connection);
      return true;
    });
    const client = net.connect({ path: join(directory, "a.sock"), allowHalfOpen: true });
    const connection = await accepted.promise;
    await new Promise((resolve) => client.write("sent", resolve));
    expect(isHungUp(connection)).toBe(false);
    client[hangUp]();
    await until(() => isHungUp(connection));
    client.destroy();
    libc.close(connection);
    await acceptor.close();
  },
);

test("where there is no peer, none is named", () => {
  expect(peerCredentials(-1)).toBeUndefined();
  expect(peerCredentials(0)).toBeUndefined();
  const unconnected = libc.socket(1, 1, 0);
  expect(peerCredentials(unconnected)).toBeUndefined();
  libc.close(unconnected);
});

test("an address holds its path, and an abstract one its name", () => {
  expect([...unixAddress("/a")]).toEqual([1, 0, 47, 97, 0]);
  expect([...unixAddress("@a")]).toEqual([1, 0, 0, 97]);
  expect(pathOfAddress(unixAddress("/run/ü.sock"), 110)).toBe("/run/ü.sock");
  expect(pathOfAddress(unixAddress("@a"), 4)).toBeUndefined();
  expect(unixAddress(`/${"x".repeat(106)}`)).toHaveLength(110);
  expect(() => unixAddress(`/${"x".repeat(107)}`)).toThrow(RangeError);
});
