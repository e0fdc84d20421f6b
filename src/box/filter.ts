/**
 * The seccomp filter of a box: a program of the kernel's classic BPF over struct seccomp_data
 * (linux/seccomp.h).
 *
 * Invariants: a call of another machine's table ends the process; a call that no rule names is
 * refused; a rule that looks at arguments looks at all the bits that the kernel looks at. Arguments
 * that are pointers are only ever compared with NULL: what they lead to may change after the look.
 */

import { PIDS } from "./enter.ts";
import { numberOf, type SystemCall } from "./syscall_numbers.ts";
import {
  LISTENING,
  NETWORKING,
  PROGRAMS,
  RUNTIME,
  UNKNOWN_HERE,
  UNSUPPORTED_HERE,
  WRITING,
} from "./syscalls.ts";

/** The permissions of an action, as far as the filter needs them. */
export interface FilterNeeds {
  /** TCP. */
  readonly net: boolean;
  /** UDP, for names to be looked up. */
  readonly names: boolean;
  /** Connections from others. */
  readonly listen: boolean;
  readonly unix: boolean;
  readonly write: boolean;
  readonly run: boolean;
}

export type Machine = typeof Deno.build.arch;

// linux/filter.h
const LOAD = 0x20;
const AND = 0x54;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;

// linux/seccomp.h
const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const ERRNO = 0x0005_0000;
const EPERM = 1;
const ENOSYS = 38;
const ENOTSUP = 95;

/** AUDIT_ARCH_* of linux/audit.h. */
const AUDIT: Readonly<Record<Machine, number>> = { x86_64: 0xc000_003e, aarch64: 0xc000_00b7 };
/** System calls of the x32 ABI have this bit, and other numbers than those of the table. */
const X32 = 0x4000_0000;

/** Offsets in struct seccomp_data. */
const NUMBER_AT = 0;
const MACHINE_AT = 4;
const ARGUMENTS_AT = 16;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

/**
 * Holds if the lower half of the argument, or its upper half, cut to `mask`, is one of `values`.
 */
interface Test {
  readonly argument: number;
  readonly upper?: boolean;
  readonly mask?: number;
  readonly values: readonly number[];
  /** Holds if it is none of them instead. */
  readonly not?: boolean;
}

/** A call, allowed if all tests of one alternative hold; else answered with `otherwise`. */
interface Rule {
  readonly call: SystemCall;
  readonly alternatives: readonly (readonly Test[])[];
  /** An errno; 0 lets it seem done. */
  readonly otherwise?: number;
}

/** struct sock_filter[], two words each. */
export function filterOf(needs: FilterNeeds, machine: Machine): number[] {
  const instructions: Instruction[] = [
    [LOAD, 0, 0, MACHINE_AT],
    [JUMP_IF_EQUAL, 1, 0, AUDIT[machine]],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, NUMBER_AT],
    [JUMP_IF_AT_LEAST, 0, 1, X32],
    [RETURN, 0, 0, ERRNO | EPERM],
  ];
  const answer = (call: SystemCall, action: readonly Instruction[]): void => {
    const number = numberOf(call, machine);
    if (number !== null) instructions.push([JUMP_IF_EQUAL, 0, action.length, number], ...action);
  };
  for (const call of allowed(needs)) answer(call, [[RETURN, 0, 0, ALLOW]]);
  for (const call of UNKNOWN_HERE) answer(call, [[RETURN, 0, 0, ERRNO | ENOSYS]]);
  for (const call of UNSUPPORTED_HERE) answer(call, [[RETURN, 0, 0, ERRNO | ENOTSUP]]);
  for (const rule of rulesOf(needs)) answer(rule.call, instructionsOf(rule));
  instructions.push([RETURN, 0, 0, ERRNO | EPERM]);
  return instructions.flatMap(([code, ifTrue, ifFalse, operand]) => [
    (code | ifTrue << 16 | ifFalse << 24) >>> 0,
    operand >>> 0,
  ]);
}

function allowed({ net, listen, unix, write, run }: FilterNeeds): SystemCall[] {
  return [
    ...Object.values(RUNTIME).flat(),
    ...(write ? WRITING : []),
    ...(net || unix ? NETWORKING : []),
    ...(listen ? LISTENING : []),
    ...(run ? PROGRAMS : []),
  ];
}

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
/** SOCK_NONBLOCK and SOCK_CLOEXEC stand beside the type. */
const SOCKET_TYPE = 0xf;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
/** Makes another kind of socket of it, which Landlock might not know for one of TCP. */
const TCP_ULP = 31;
/** Connects without a connect(2) that Landlock would see. */
const MSG_FASTOPEN = 0x2000_0000;
/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const NEW_NAMESPACES = 0x7e02_0080;
/** CLONE_PARENT and CLONE_PTRACE: a child that the daemon does not know stays a zombie. */
const OTHERS_CHILD = 0x0000_a000;
const CLONE_THREAD = 0x0001_0000;
const PIDFD_THREAD = 0x80;
const O_CREAT = 0o100;
const O_TMPFILE = 0o20000000;
const SET_ID = 0o6000;
const OTHERS_WRITE = 0o022;
/** PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_DUMPABLE. */
const HARMLESS_PRCTLS = [15, 16, 0x53564d41, 3];
/** TCGETS, TCGETS2, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. */
const HARMLESS_IOCTLS = [0x5401, 0x802c_542a, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451];
/** F_DUPFD to F_SETFL, record locks, F_OFD locks, F_DUPFD_CLOEXEC, F_GETPIPE_SZ. */
const HARMLESS_FCNTLS = [0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032];

function rulesOf(needs: FilterNeeds): Rule[] {
  return [...fileRules(needs), ...socketRules(needs), ...processRules(needs)];
}

/** Modes: no set-id bit ever, no file that others may write, and nothing at all by path. */
function fileRules({ write, run }: FilterNeeds): Rule[] {
  const opening = (call: SystemCall, flags: number): Rule => ({
    call,
    alternatives: [
      [{ argument: flags, mask: O_CREAT | O_TMPFILE, values: [0] }],
      [without(flags + 1, SET_ID)],
    ],
  });
  const rules: Rule[] = [
    opening("open", 1),
    opening("openat", 2),
    { call: "ioctl", alternatives: [[{ argument: 1, values: HARMLESS_IOCTLS }]] },
    { call: "fcntl", alternatives: [[{ argument: 1, values: HARMLESS_FCNTLS }]] },
  ];
  // reads the mask by setting it, so that neither must change it
  rules.push({ call: "umask", alternatives: [], otherwise: 0 });
  if (!write && !run) return rules;
  return [
    ...rules,
    { call: "creat", alternatives: [[without(1, SET_ID)]] },
    // A descriptor was opened under Landlock, and a path leads anywhere: so a change by path is not
    // made, although it seems to be. The appendFileSync and cpSync of the runtime end with one.
    { call: "fchmod", alternatives: [[without(1, SET_ID | OTHERS_WRITE)]], otherwise: 0 },
    { call: "chmod", alternatives: [], otherwise: 0 },
    { call: "fchmodat", alternatives: [], otherwise: 0 },
    { call: "utimensat", alternatives: [isNull(1)] },
  ];
}

function socketRules({ net, names, unix }: FilterNeeds): Rule[] {
  const inet = { argument: 0, values: [AF_INET, AF_INET6] };
  const type = (value: number): Test => ({ argument: 1, mask: SOCKET_TYPE, values: [value] });
  const protocol = (...values: number[]): Test => ({ argument: 2, values });
  const plain = (flags: number): Test[] => [without(flags, MSG_FASTOPEN)];
  return [
    {
      call: "socket",
      alternatives: [
        ...(net ? [[inet, type(SOCK_STREAM), protocol(0, IPPROTO_TCP)]] : []),
        ...(names ? [[inet, type(SOCK_DGRAM), protocol(0, IPPROTO_UDP)]] : []),
        ...(unix ? [[{ argument: 0, values: [AF_UNIX] }, type(SOCK_STREAM)]] : []),
      ],
    },
    // a pair of streams is connected for good: no datagram of it goes anywhere else
    {
      call: "socketpair",
      alternatives: [[{ argument: 0, values: [AF_UNIX] }, type(SOCK_STREAM)]],
    },
    {
      call: "setsockopt",
      alternatives: net || unix ? [[not(1, IPPROTO_TCP)], [not(2, TCP_ULP)]] : [],
    },
    { call: "sendto", alternatives: [plain(3)] },
    { call: "sendmsg", alternatives: [plain(2)] },
    { call: "sendmmsg", alternatives: net || unix ? [plain(3)] : [] },
  ];
}

function processRules({ run }: FilterNeeds): Rule[] {
  const own: Test = { argument: 0, values: [0] };
  return [
    {
      call: "clone",
      // the kernel reads no more than the lower half of the flags
      alternatives: [[
        ...(run ? [] : [{ argument: 0, mask: CLONE_THREAD, values: [CLONE_THREAD] }]),
        without(0, NEW_NAMESPACES | OTHERS_CHILD),
      ]],
    },
    // The thread that started this process is in the same domain of Landlock's, as are other
    // executors that it started; a signal to that thread is one to the daemon.
    {
      call: "tgkill",
      alternatives: [[run ? not(0, PIDS.daemon) : { ...own, values: [PIDS.own] }]],
    },
    { call: "kill", alternatives: run ? [[not(0, PIDS.daemon, PIDS.spawner)]] : [] },
    { call: "pidfd_open", alternatives: run ? [[without(1, PIDFD_THREAD)]] : [] },
    { call: "prctl", alternatives: [[{ argument: 0, values: HARMLESS_PRCTLS }]] },
    { call: "prlimit64", alternatives: [run ? [own] : [own, ...isNull(2)]] },
  ];
}

function without(argument: number, bits: number): Test {
  return { argument, mask: bits, values: [0] };
}

function not(argument: number, ...values: readonly number[]): Test {
  return { argument, values, not: true };
}

/** Both halves of a pointer. */
function isNull(argument: number): Test[] {
  return [{ argument, values: [0] }, { argument, upper: true, values: [0] }];
}

function instructionsOf({ alternatives, otherwise = EPERM }: Rule): Instruction[] {
  return [...alternatives.flatMap(alternativeOf), [RETURN, 0, 0, ERRNO | otherwise]];
}

/** Returns ALLOW if all tests hold; else goes on behind itself. */
function alternativeOf(tests: readonly Test[]): Instruction[] {
  return tests.reduceRight<Instruction[]>(
    (rest, test) => [...testOf(test, rest.length), ...rest],
    [[RETURN, 0, 0, ALLOW]],
  );
}

/** Goes on with the next instruction if it holds, else behind `rest` more. */
function testOf({ argument, upper, mask, values, not }: Test, rest: number): Instruction[] {
  const half = upper === true ? 4 : 0; // both machines are little-endian
  const load: Instruction[] = [[LOAD, 0, 0, ARGUMENTS_AT + argument * 8 + half]];
  if (mask !== undefined) load.push([AND, 0, 0, mask]);
  return [
    ...load,
    ...values.map((value, i): Instruction => {
      const left = values.length - 1 - i;
      return not === true
        ? [JUMP_IF_EQUAL, left + rest, 0, value]
        : [JUMP_IF_EQUAL, left, left === 0 ? rest : 0, value];
    }),
  ];
}
