/**
 * The filter of a box, run as the kernel runs it: for every call, on both machines, for every set
 * of needs.
 */

import { expect, test } from "vitest";
import { PIDS, withPids } from "../../src/box/enter.ts";
import { type FilterNeeds, filterOf, type Machine } from "../../src/box/filter.ts";
import { numberOf, type SystemCall } from "../../src/box/syscall_numbers.ts";
import {
  LISTENING,
  NETWORKING,
  PROGRAMS,
  RUNTIME,
  UNKNOWN_HERE,
  UNSUPPORTED_HERE,
  WRITING,
} from "../../src/box/syscalls.ts";
import { type Call, EVERY_NEED, MACHINES, NEEDS, run } from "./filter_interpreter.ts";

const NOTHING: FilterNeeds = {
  net: false,
  names: false,
  listen: false,
  unix: false,
  write: false,
  run: false,
};

/** Calls whose arguments decide. */
const RULED: readonly SystemCall[] = [
  ...["open", "openat", "creat", "ioctl", "fcntl", "umask", "fchmod", "chmod", "fchmodat"] as const,
  ...["utimensat", "socket", "socketpair", "sendto", "sendmsg", "sendmmsg", "clone"] as const,
  "setsockopt",
  ...["prctl", "prlimit64", "kill", "tgkill", "pidfd_open"] as const,
];

const HIGHEST_CALL = 600;

/** For each set of needs. */
const FILTERS = {
  x86_64: EVERY_NEED.map((needs) => ({ needs, filter: filterOf(needs, "x86_64") })),
  aarch64: EVERY_NEED.map((needs) => ({ needs, filter: filterOf(needs, "aarch64") })),
};

function numbersOf(calls: readonly SystemCall[], machine: Machine): Set<number> {
  return new Set(calls.flatMap((call) => numberOf(call, machine) ?? []));
}

test.each(MACHINES)("%s: calls are allowed by needs, and all others are refused", (machine) => {
  const ruled = numbersOf(RULED, machine);
  const unknown = numbersOf(UNKNOWN_HERE, machine);
  const unsupported = numbersOf(UNSUPPORTED_HERE, machine);
  for (const { needs, filter } of FILTERS[machine]) {
    const allowed = numbersOf([
      ...Object.values(RUNTIME).flat(),
      ...(needs.write ? WRITING : []),
      ...(needs.net || needs.unix ? NETWORKING : []),
      ...(needs.listen ? LISTENING : []),
      ...(needs.run ? PROGRAMS : []),
    ], machine);
    const expected = (number: number) =>
      allowed.has(number)
        ? "ALLOW"
        : unknown.has(number)
        ? "ENOSYS"
        : unsupported.has(number)
        ? "ENOTSUP"
        : "EPERM";
    for (let number = 0; number <= HIGHEST_CALL; number++) {
      if (ruled.has(number)) continue;
      const answer = run(filter, { machine, number });
      if (answer !== expected(number)) {
        expect.fail(`${number} with ${JSON.stringify(needs)}: ${answer}, not ${expected(number)}`);
      }
    }
  }
});

/** By number on x86-64 and on arm64, so that no mistake in our table hides one. */
const NEVER: readonly (readonly [name: string, x86: number, arm: number])[] = [
  ["ptrace", 101, 117],
  ["process_vm_readv", 310, 270],
  ["process_vm_writev", 311, 271],
  ["pidfd_getfd", 438, 438],
  ["pidfd_send_signal", 424, 424],
  ["kcmp", 312, 272],
  ["get_robust_list", 274, 100],
  ["mount", 165, 40],
  ["umount2", 166, 39],
  ["pivot_root", 155, 41],
  ["chroot", 161, 51],
  ["unshare", 272, 97],
  ["setns", 308, 268],
  ["open_tree", 428, 428],
  ["move_mount", 429, 429],
  ["fsopen", 430, 430],
  ["fsmount", 432, 432],
  ["mount_setattr", 442, 442],
  ["bpf", 321, 280],
  ["perf_event_open", 298, 241],
  ["io_uring_enter", 426, 426],
  ["io_uring_register", 427, 427],
  ["userfaultfd", 323, 282],
  ["keyctl", 250, 219],
  ["add_key", 248, 217],
  ["request_key", 249, 218],
  ["kexec_load", 246, 104],
  ["init_module", 175, 105],
  ["finit_module", 313, 273],
  ["personality", 135, 92],
  ["setuid", 105, 146],
  ["setresuid", 117, 147],
  ["setgroups", 116, 159],
  ["capset", 126, 91],
  ["seccomp", 317, 277],
  ["landlock_create_ruleset", 444, 444],
  ["symlinkat", 266, 36],
  ["mknodat", 259, 33],
  ["fchown", 93, 55],
  ["fchownat", 260, 54],
  ["fchmodat2", 452, 452],
  ["setxattr", 188, 5],
  ["fsetxattr", 190, 7],
  ["setxattrat", 463, 463],
  ["open_by_handle_at", 304, 265],
  ["memfd_create", 319, 279],
  ["memfd_secret", 447, 447],
  ["execveat", 322, 281],
  ["inotify_init1", 294, 26],
  ["fanotify_init", 300, 262],
  ["shmget", 29, 194],
  ["semget", 64, 190],
  ["msgget", 68, 186],
  ["mq_open", 240, 180],
  ["setpriority", 141, 140],
  ["sched_setaffinity", 203, 122],
  ["sched_setscheduler", 144, 119],
  ["sched_setattr", 314, 274],
  ["ioprio_set", 251, 30],
  ["tkill", 200, 130],
  ["rt_sigqueueinfo", 129, 138],
  ["rt_tgsigqueueinfo", 297, 240],
  ["process_madvise", 440, 440],
  ["move_pages", 239, 239],
  ["vmsplice", 278, 75],
  ["reboot", 169, 142],
  ["clock_settime", 227, 112],
  ["syslog", 103, 116],
  ["acct", 163, 89],
];

test.each(NEVER)("%s is refused, whatever is needed", (_name, x86, arm) => {
  for (const machine of MACHINES) {
    const number = machine === "x86_64" ? x86 : arm;
    const answers = FILTERS[machine].map(({ filter }) => run(filter, { machine, number }));
    expect(new Set(answers)).toEqual(new Set(["EPERM"]));
  }
});

const HIGH = 1n << 32n;
const CLONE_PTHREAD = 0x3d_0f00n;
const SIGCHLD = 17n;
const [UNIX, INET, INET6, NETLINK, PACKET] = [1n, 2n, 10n, 16n, 17n];
const [STREAM, DGRAM, RAW, SEQPACKET] = [1n, 2n, 3n, 5n];
const FLAGS = 0o2004000n; // SOCK_CLOEXEC and SOCK_NONBLOCK
const FASTOPEN = 0x2000_0000n;
const [O_CREAT, O_TMPFILE, O_DIRECTORY] = [0o100n, 0o20000000n, 0o200000n];

/** `true`: always; a need, or several that each suffice; `false`: never. */
type When = boolean | readonly (keyof FilterNeeds)[];

const CASES: readonly (readonly [SystemCall, readonly bigint[], When, otherwise?: string])[] = [
  ["openat", [0n, 0n, 0n, 0o6777n], true],
  ["openat", [0n, 0n, O_CREAT, 0o777n], true],
  ["openat", [0n, 0n, O_CREAT, 0o4755n], false],
  ["openat", [0n, 0n, O_CREAT | HIGH, 0o2755n], false],
  ["openat", [0n, 0n, O_TMPFILE | O_DIRECTORY, 0o6000n], false],
  ["open", [0n, O_CREAT, 0o4755n], false],
  ["open", [0n, O_CREAT, 0o644n], true],
  ["creat", [0n, 0o644n], ["write", "run"]],
  ["creat", [0n, 0o4644n], false],
  ["fchmod", [3n, 0o755n], ["write", "run"], "0"],
  ["fchmod", [3n, 0o4755n], false, "0"],
  ["fchmod", [3n, 0o2755n], false, "0"],
  ["fchmod", [3n, 0o777n], false, "0"],
  ["fchmod", [3n, 0o775n], false, "0"],
  ["chmod", [1n, 0o600n], false, "0"],
  ["fchmodat", [3n, 1n, 0o600n], false, "0"],
  ["umask", [0n], false, "0"],
  ["utimensat", [3n, 0n, 1n, 0n], ["write", "run"]],
  ["utimensat", [3n, 1n, 1n, 0n], false],
  ["utimensat", [3n, HIGH, 1n, 0n], false],
  ["ioctl", [0n, 0x5401n], true],
  ["ioctl", [0n, 0x5401n | HIGH], true],
  ["ioctl", [0n, 0x5412n], false], // TIOCSTI
  ["ioctl", [0n, 0x541cn], false], // TIOCLINUX
  ["ioctl", [0n, 0x8901n], false], // FIOSETOWN
  ["fcntl", [0n, 1030n], true],
  ["fcntl", [0n, 8n], false], // F_SETOWN
  ["fcntl", [0n, 1024n], false], // F_SETLEASE
  ["fcntl", [0n, 1031n], false], // F_SETPIPE_SZ
  ["socket", [INET, STREAM | FLAGS, 0n], ["net"]],
  ["socket", [INET6, STREAM, 6n], ["net"]],
  ["socket", [INET | HIGH, STREAM, 0n], ["net"]],
  ["socket", [INET, STREAM, 262n], false], // MPTCP
  ["socket", [INET, STREAM, 132n], false], // SCTP
  ["socket", [INET, DGRAM | FLAGS, 17n], ["names"]],
  ["socket", [INET6, DGRAM, 0n], ["names"]],
  ["socket", [INET, DGRAM, 136n], false],
  ["socket", [INET, DGRAM, 1n], false],
  ["socket", [INET, RAW, 6n], false],
  ["socket", [UNIX, STREAM | FLAGS, 0n], ["unix"]],
  ["socket", [UNIX, DGRAM, 0n], false],
  ["socket", [UNIX, SEQPACKET, 0n], false],
  ["socket", [NETLINK, RAW, 0n], false],
  ["socket", [PACKET, RAW, 0n], false],
  ["socketpair", [UNIX, STREAM | FLAGS, 0n], true],
  ["socketpair", [UNIX, DGRAM, 0n], false],
  ["socketpair", [INET, STREAM, 0n], false],
  ["setsockopt", [3n, 6n, 1n], ["net", "unix"]],
  ["setsockopt", [3n, 1n, 31n], ["net", "unix"]],
  ["setsockopt", [3n, 6n, 31n], false], // TCP_ULP
  ["setsockopt", [3n, 6n | HIGH, 31n | HIGH], false],
  ["sendto", [3n, 0n, 0n, 0x4000n], true],
  ["sendto", [3n, 0n, 0n, FASTOPEN | 0x4000n], false],
  ["sendmsg", [3n, 0n, 0x4000n], true],
  ["sendmsg", [3n, 0n, FASTOPEN], false],
  ["sendmsg", [3n, 0n, FASTOPEN | HIGH], false],
  ["sendmmsg", [3n, 0n, 1n, 0n], ["net", "unix"]],
  ["sendmmsg", [3n, 0n, 1n, FASTOPEN], false],
  ["clone", [CLONE_PTHREAD], true],
  ["clone", [CLONE_PTHREAD | 0x1000_0000n], false], // CLONE_NEWUSER
  ["clone", [SIGCHLD], ["run"]],
  ["clone", [0x4111n], ["run"]], // vfork
  ["clone", [SIGCHLD | 0x8000n], false], // CLONE_PARENT
  ["clone", [SIGCHLD | 0x2000n], false], // CLONE_PTRACE
  ...[0x2_0000n, 0x200_0000n, 0x400_0000n, 0x800_0000n, 0x1000_0000n, 0x2000_0000n, 0x4000_0000n]
    .map((namespace) => ["clone", [SIGCHLD | namespace], false] as const),
  ["tgkill", [BigInt(PIDS.own)], true],
  ["tgkill", [BigInt(PIDS.daemon)], false],
  ["tgkill", [77n], ["run"]],
  ["kill", [77n], ["run"]],
  ["kill", [BigInt(PIDS.daemon)], false],
  ["kill", [BigInt(PIDS.spawner)], false],
  ["pidfd_open", [77n, 0x800n], ["run"]],
  ["pidfd_open", [77n, 0x80n], false], // PIDFD_THREAD
  ["prctl", [15n], true],
  ["prctl", [0x53564d41n], true],
  ["prctl", [1n], false], // PR_SET_PDEATHSIG
  ["prctl", [4n], false], // PR_SET_DUMPABLE
  ["prctl", [36n], false], // PR_SET_CHILD_SUBREAPER
  ["prctl", [22n], false], // PR_SET_SECCOMP
  ["prctl", [0x5961_6d61n], false], // PR_SET_PTRACER
  ["prlimit64", [0n, 7n, 0n, 1n], true],
  ["prlimit64", [0n, 7n, 1n, 0n], ["run"]],
  ["prlimit64", [0n, 7n, HIGH, 0n], ["run"]],
  ["prlimit64", [1n, 7n, 0n, 1n], false],
  ["prlimit64", [1n, 7n, 1n, 0n], false],
];

test.each(MACHINES)("%s: arguments decide, in all bits that the kernel reads", (machine) => {
  for (const [call, args, when, otherwise = "EPERM"] of CASES) {
    const number = numberOf(call, machine);
    if (number === null) continue;
    for (const { needs, filter } of FILTERS[machine]) {
      const isAllowed = typeof when === "boolean" ? when : when.some((need) => needs[need]);
      const isKnown = !RULED_IF_WRITING.has(call) || needs.write || needs.run;
      const expected = isAllowed ? "ALLOW" : isKnown ? otherwise : "EPERM";
      const asked: Call = { machine, number, args };
      const answer = run(filter, asked);
      if (answer !== expected) {
        expect.fail(`${call}(${args}) with ${JSON.stringify(needs)}: ${answer}, not ${expected}`);
      }
    }
  }
});

/** Refused like any other call where nothing may be written. */
const RULED_IF_WRITING: ReadonlySet<SystemCall> = new Set(["fchmod", "chmod", "fchmodat"]);

test.each(MACHINES)("%s: another table of calls ends the process, or is refused", (machine) => {
  const filter = filterOf(NOTHING, machine);
  const other = machine === "x86_64" ? "aarch64" : "x86_64";
  const getpid = numberOf("getpid", machine) ?? -1;
  expect(run(filter, { machine, number: getpid })).toBe("ALLOW");
  expect(run(filter, { machine: other, number: getpid })).toBe("KILL");
  expect(run(filter, { machine: "i386", number: 20 })).toBe("KILL");
  expect(run(filter, { machine, number: 0x4000_0000 + getpid })).toBe("EPERM");
  expect(run(filter, { machine, number: 0xffff_ffff })).toBe("EPERM");
});

test("pids take the place of their operands, and of nothing else", () => {
  const pids = { own: 10, daemon: 20, spawner: 30 };
  const filter = filterOf({ ...NOTHING, run: true }, "x86_64");
  const real = withPids(filter, pids);
  expect(real.filter((word, i) => word !== filter[i]).sort()).toEqual([20, 20, 30]);
  const kill = (pid: bigint) => run(real, { machine: "x86_64", number: 62, args: [pid] });
  expect([kill(10n), kill(20n), kill(30n)]).toEqual(["ALLOW", "EPERM", "EPERM"]);
});

test("the kernel takes a filter of every size that there is", () => {
  for (const { filter } of MACHINES.flatMap((machine) => FILTERS[machine])) {
    expect(filter.length / 2).toBeLessThan(4096);
  }
  expect(NEEDS.length).toBe(Object.keys(NOTHING).length);
});
