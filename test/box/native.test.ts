/**
 * What native code finds inside of a box: a static C program stands for a flaw of V8, and a library
 * of the same code for one that takes over an executor from inside.
 *
 * Each table is exact: an attempt that is missing, or that fails for another reason, fails the test
 * as well.
 */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { missingParts, thisKernel } from "../../src/box/kernel.ts";
import type { Permissions } from "../../src/config/config.ts";
import { NO_PERMISSIONS } from "../../src/executor/permissions.ts";
import { realPath } from "../../src/os/files.ts";
import { startTimeOf } from "../../src/os/process.ts";
import { handler, PoolUnderTest } from "../executor/pool_under_test.ts";
import { OTHER_UID } from "../support/other_users.ts";
import { has } from "../support/tools.ts";
import { until } from "../support/until.ts";
import { attemptsIn, NATIVE_HANDLER, NativeScene } from "./native_scene.ts";

const MISSING = [...missingParts(thisKernel()), ...(has("gcc") ? [] : ["gcc"])];

function testNative(title: string, body: () => Promise<void>): void {
  const why = MISSING.length === 0 ? "" : ` [skipped: needs ${MISSING.join(", ")}]`;
  test.skipIf(MISSING.length > 0)(`${title}${why}`, body);
}

/** How an attempt on each of several things ends. */
function each(things: readonly string[], ends: Readonly<Record<string, readonly string[]>>) {
  return Object.entries(ends).flatMap(([end, attempts]) =>
    attempts.flatMap((attempt) => things.map((thing) => [`${attempt} ${thing}`, end] as const))
  );
}

const FILES = each(["key", "ledger", "config", "secret"], {
  EACCES: ["read", "write"],
  ENOSYS: ["openat2"],
  EPERM: [
    ...["truncate", "rename", "link", "unlink", "chmod", "fchmodat2", "chown", "utimes"],
    ...["setxattr", "execute"],
  ],
});

const PROCESS = {
  EACCES: ["mem", "environ", "fd", "maps", "cmdline", "root"],
  EPERM: [
    ...["attach", "seize", "read memory", "write memory", "signal", "signal thread"],
    ...["signal any thread", "queue signal", "descriptor", "signal by handle", "namespace"],
    ...["limit", "niceness", "io priority", "processors", "scheduler", "compare", "move pages"],
  ],
};
const PROCESSES = each(["daemon", "sibling"], PROCESS);

const OTHERS: Readonly<Record<string, readonly string[]>> = {
  EACCES: [
    ...["read /etc/shadow", "read /etc/passwd", "list /", "list state", "create"],
    ...["create unnamed", "create in /tmp", "create in /dev/shm", "device", "terminal"],
    ...["core pattern", "own memory", "sockets of the host"],
  ],
  ENOSYS: ["clone3", "io_uring"],
  EPERM: [
    ...["create set-id", "mkdir", "symlink", "mknod", "mkfifo", "handle"],
    ...["admin socket", "agent socket", "abstract socket", "unix datagram"],
    ...["pair of datagram sockets", "pair of packet sockets"],
    ...["tcp to another port", "tcp by IPv6", "bind", "listen without bind"],
    ...["privileged option", "fast open by sendto", "fast open by sendmsg"],
    ...["fast open by sendmmsg", "fast open by connect", "mptcp", "sctp", "udp", "udp lite"],
    ...["ping", "raw", "packet", "netlink", "vsock", "crypto", "bluetooth"],
    ...["raise limit", "raise limit by setrlimit", "own niceness", "own scheduler"],
    ...["outlive the daemon", "be dumpable", "adopt orphans", "keep capabilities"],
    ...["undo the filter", "another filter", "another ruleset", "personality", "user", "group"],
    ...["groups", "capabilities", "type into the terminal", "own a descriptor's signals"],
    ...["lease", "mount", "unmount", "open tree", "file system", "move mount", "root", "pivot"],
    ...["unshare user", "unshare mounts", "clone into a user namespace", "bpf", "perf"],
    ...["io_uring_enter", "io_uring_register", "aio", "userfaultfd", "keyctl", "add key"],
    ...["request key", "kexec", "kexec by file", "module", "reboot", "clock", "host name"],
    ...["swap", "kernel log", "accounting", "quota", "file handle", "shared memory"],
    ...["semaphores", "message queue", "posix queue", "unnamed file", "execveat", "inotify"],
    ...["fanotify", "vmsplice", "remap pages", "secret memory", "unknown call"],
    ...(Deno.build.arch === "x86_64" ? ["x32", "io ports", "segments"] : []),
    ...["execute /bin/sh", "execute /bin/su"],
    ...["fork", "child of the daemon", "traced child", "another session"],
    ...["another process group"],
  ],
  // the kernel has no rule about names, sizes and dates of files: they are not kept
  // (docs/threat-model.md)
  OPENED: ["stat key"],
};

const SHUT: Readonly<Record<string, string>> = Object.fromEntries([
  ...FILES,
  ...PROCESSES,
  ...Object.entries(OTHERS).flatMap(([end, names]) => names.map((name) => [name, end] as const)),
]);

/** `chmod` by path seems to be done, and is not: NativeScene.expectUntouched() tells. */
const SEEMS_DONE = {
  "chmod key": "OPENED",
  "chmod ledger": "OPENED",
  "chmod config": "OPENED",
  "chmod secret": "OPENED",
};

/** With programs, forking. */
const RUN = {
  ...SEEMS_DONE,
  fork: "OPENED",
  ...Object.fromEntries(
    each(["key", "ledger", "config", "secret", "/bin/sh", "/bin/su"], { EACCES: ["execute"] }),
  ),
};

/** Where Landlock is asked because the filter has let the call through. */
const BY_LANDLOCK = {
  tcp: {
    "tcp to another port": "EACCES",
    "tcp by IPv6": "EACCES",
    "bind": "EACCES",
    "fast open by connect": "EACCES",
  },
  names: Object.fromEntries(
    each(["key", "ledger", "config", "secret"], {
      EACCES: ["truncate", "rename", "link", "unlink"],
    }),
  ),
};

let scene: NativeScene;

beforeAll(() => {
  if (MISSING.length === 0) scene = new NativeScene();
});

afterAll(async () => {
  await scene?.close();
});

function allow(changes: Partial<Permissions>): Permissions {
  return { ...NO_PERMISSIONS, ...changes };
}

/** Leaves out the threads that a program may reach, its executor's. The daemon's are not among them. */
function withoutOwn(attempts: Readonly<Record<string, string>>): Record<string, string> {
  const ours = new Set([...Deno.readDirSync("/proc/self/task")].map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(attempts).filter(([name]) => {
      const [, thread] = /^reach (\d+)$/.exec(name) ?? [];
      return thread === undefined || ours.has(thread);
    }),
  );
}

/** Pids of those that run that program. */
function processesOf(program: string): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((pid) => realPath(`/proc/${pid}/exe`) === program);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1]);
}

async function expectEnds(
  permissions: Permissions,
  changes: Readonly<Record<string, string>>,
): Promise<void> {
  const attempts = await scene.attempts(permissions);
  const mayReach = permissions.run.length > 0;
  expect(mayReach ? withoutOwn(attempts) : attempts).toEqual({ ...SHUT, ...changes });
  scene.expectUntouched();
}

testNative(
  "a process that checks payloads, and one of built-ins: no permission, no way out",
  async () => {
    await expectEnds(NO_PERMISSIONS, {});
  },
);

testNative("a TCP port: that one and no other, and nobody connects from outside", async () => {
  await expectEnds(allow({ net: [`192.0.2.1:${scene.grantedPort}`] }), BY_LANDLOCK.tcp);
});

testNative("a port of this machine: may be listened on", async () => {
  // a socket that is bound to no port gets a free one: Landlock is not asked
  const changes = { ...BY_LANDLOCK.tcp, "listen without bind": "OPENED" };
  await expectEnds(allow({ net: [`127.0.0.1:${scene.grantedPort}`] }), changes);
});

testNative("a host's name: datagrams beside it, by which names are looked up", async () => {
  const changes = { ...BY_LANDLOCK.tcp, udp: "OPENED" };
  await expectEnds(allow({ net: [`example.com:${scene.grantedPort}`] }), changes);
});

testNative("a folder to write in: no file outside of it", async () => {
  const changes = { ...SEEMS_DONE, ...BY_LANDLOCK.names, mkdir: "EACCES" };
  await expectEnds(allow({ read: [scene.granted], write: [scene.granted] }), changes);
});

testNative(
  "a Unix socket: every one that has a path, since no rule of the kernel's tells them apart",
  async () => {
    const changes = { "admin socket": "OPENED", "agent socket": "OPENED" };
    await expectEnds(allow({ unix: [join(scene.granted, "x.sock")] }), changes);
  },
);

testNative("programs: what they start is in the same box", async () => {
  await expectEnds(allow({ run: [scene.program] }), RUN);
});

testNative("programs that may list /proc reach no thread of the daemon by its folder", async () => {
  const permissions = allow({ run: [scene.program], read: ["/proc"] });
  const reached = Object.keys(withoutOwn(await scene.attempts(permissions)))
    .filter((name) => name.startsWith("reach "));
  expect(reached).toEqual([]);
});

testNative("a program that a handler runs, fresh and reuse, finds no more than that", async () => {
  const permitted = { allow: allow({ run: [scene.program] }) };
  const under = await PoolUnderTest.start({
    fresh: handler(NATIVE_HANDLER, permitted),
    reuse: handler(NATIVE_HANDLER, { ...permitted, isolation: "reuse" }),
  });
  try {
    for (const action of ["fresh", "reuse", "reuse"]) {
      const text = await under.result(action, { file: scene.program, args: scene.targets });
      expect(withoutOwn(attemptsIn(String(text)))).toEqual({ ...SHUT, ...RUN });
    }
    // a call of another machine's table; some kernels have none
    const { signal } = new Deno.Command(scene.program, { args: ["other machine"] }).outputSync();
    const killed = await under.result("fresh", { file: scene.program, args: ["other machine"] });
    expect(killed).toBe(signal ?? "SIGSYS");
    scene.expectUntouched();
  } finally {
    await under.close();
  }
});

testNative("runs of one action that may run programs cannot reach each other", async () => {
  const permitted = { allow: allow({ run: [scene.program] }), concurrency: 2 };
  const under = await PoolUnderTest.start({ run: handler(NATIVE_HANDLER, permitted) });
  try {
    const waits = under.run("run", { file: scene.program, args: ["wait"] });
    await until(() => processesOf(scene.program).length > 0);
    const [program = 0] = processesOf(scene.program);
    for (const pid of [program, parentOf(program)]) {
      const met = await under.result("run", { file: scene.program, args: ["meet", String(pid)] });
      expect(attemptsIn(String(met))).toEqual(Object.fromEntries(each(["other run"], PROCESS)));
    }
    Deno.kill(program, "SIGKILL");
    expect((await waits).status).toBe("succeeded");
  } finally {
    await under.close();
  }
});

testNative("a program does not outlive its run, however it forks and flees", async () => {
  const permitted = { allow: allow({ run: [scene.program] }) };
  const under = await PoolUnderTest.start({ run: handler(NATIVE_HANDLER, permitted) });
  try {
    expect(await under.result("run", { file: scene.program, args: ["flee"] })).toBe("fled\n");
    await expect.poll(() => processesOf(scene.program)).toEqual([]);
  } finally {
    await under.close();
  }
});

/** Only root can make a program somebody else's. */
const testAsRoot = Deno.uid() === 0
  ? testNative
  : (title: string, body: () => Promise<void>) => test.skip(`${title} [skipped: needs root]`, body);

testAsRoot("a set-id program is what its caller is", async () => {
  const program = join(scene.folder, "set-id");
  Deno.copyFileSync(scene.program, program);
  Deno.chownSync(program, OTHER_UID, OTHER_UID);
  Deno.chmodSync(program, 0o6755);
  const outside = new Deno.Command(program, { args: ["whoami"] }).outputSync();
  expect(new TextDecoder().decode(outside.stderr)).toBe(`0 ${OTHER_UID}\n`);
  const under = await PoolUnderTest.start({
    run: handler(NATIVE_HANDLER, { allow: allow({ run: [program] }) }),
  });
  expect(await under.result("run", { file: program, args: ["whoami"] })).toBe("0 0\n");
  await under.close();
});

testNative("an executor that hears nothing ends with its daemon", async () => {
  const stateDir = join(scene.folder, "orphan");
  Deno.mkdirSync(stateDir);
  const daemon = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./orphan.ts", import.meta.url).pathname, stateDir],
    stdout: "piped",
  }).spawn();
  const reader = daemon.stdout.getReader();
  const { value } = await reader.read();
  const pids = new TextDecoder().decode(value).trim().split(" ").map(Number);
  expect(pids.map((pid) => startTimeOf(pid))).not.toContain(null);
  daemon.kill("SIGKILL");
  await daemon.status;
  await reader.cancel();
  await expect.poll(() => pids.map((pid) => startTimeOf(pid))).toEqual(pids.map(() => null));
});
