import net from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { libc } from "../../src/os/libc.ts";
import { RLIMIT_NOFILE } from "../../src/os/process.ts";
import { Acceptor } from "../../src/os/sockets/acceptor.ts";
import { bindUnixListener, turnAway } from "../../src/os/sockets/unix_socket.ts";
import { until } from "../support/until.ts";

const EMFILE = 24;

/** How many calls of accept(2) find no free descriptor, and what they failed with. */
const scarce = vi.hoisted(() => ({ calls: 0, errors: [] as number[] }));
vi.mock("../../src/os/libc.ts", async (original) => {
  const module = await original<typeof import("../../src/os/libc.ts")>();
  const { errno, libc: real } = module;
  const accept4: typeof real.accept4 = (...args) => {
    if (scarce.calls === 0) return real.accept4(...args);
    scarce.calls -= 1;
    const before = new BigUint64Array(2);
    real.prlimit(0, RLIMIT_NOFILE, null, before);
    real.prlimit(0, RLIMIT_NOFILE, BigUint64Array.of(0n, before[1] ?? 0n), null);
    const connection = real.accept4(...args);
    scarce.errors.push(errno());
    real.prlimit(0, RLIMIT_NOFILE, before, null);
    return connection;
  };
  return { ...module, libc: Object.create(real, { accept4: { value: accept4 } }) };
});

let directory: string;
let path: string;
let listening: number;
beforeEach(() => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-accept-" });
  path = join(directory, "a.sock");
  listening = bindUnixListener(path, 0o600, null).descriptor;
});
afterEach(() => Deno.removeSync(directory, { recursive: true }));

/** Connections that wait before anything accepts. */
async function waiting(count: number): Promise<Deno.Conn[]> {
  return await Promise.all(
    Array.from({ length: count }, () => Deno.connect({ transport: "unix", path })),
  );
}

test("accepts what waits in batches, with a turn of the event loop between them", async () => {
  const callers = await waiting(300);
  const batches: number[] = [];
  let batch = 0;
  const acceptor = new Acceptor(listening, (connection) => {
    if (batch++ === 0) {
      setImmediate(() => {
        batches.push(batch);
        batch = 0;
      });
    }
    libc.close(connection);
    return true;
  });
  await until(() => batches.reduce((sum, count) => sum + count, 0) === 300);
  expect(Math.max(...batches)).toBeLessThanOrEqual(64);
  await acceptor.close();
  for (const caller of callers) caller.close();
});

test("whoever is turned away is told why, and those behind are let in", async () => {
  const callers = await waiting(100);
  let seen = 0;
  const acceptor = new Acceptor(listening, (connection) => {
    const isTaken = ++seen > 99;
    if (isTaken) libc.close(connection);
    else turnAway(connection, new TextEncoder().encode("crowded"));
    return isTaken;
  });
  await until(() => seen === 100);
  const [first] = callers;
  const said = new Uint8Array(16);
  expect(new TextDecoder().decode(said.subarray(0, await first?.read(said) ?? 0))).toBe("crowded");
  const later = net.connect(path);
  await until(() => seen === 101);
  later.destroy();
  await acceptor.close();
  for (const caller of callers) caller.close();
});

test("when descriptors ran out it goes on accepting once there are some again", async () => {
  const callers = await waiting(3);
  scarce.calls = 2;
  let seen = 0;
  const acceptor = new Acceptor(listening, (connection) => {
    seen += 1;
    return libc.close(connection) === 0;
  });
  await until(() => seen === 3);
  expect(scarce.errors).toEqual([EMFILE, EMFILE]);
  const later = net.connect(path);
  await until(() => seen === 4);
  later.destroy();
  await acceptor.close();
  for (const caller of callers) caller.close();
});

test("a socket that was closed takes nobody, and waits for nothing", async () => {
  const acceptor = new Acceptor(listening, () => true);
  await Promise.all([acceptor.close(), acceptor.close()]);
  await expect(Deno.connect({ transport: "unix", path })).rejects.toThrow();
});
