/**
 * The system calls that an executor may make, in groups, each with its reason.
 *
 * The list was found by tracing the runtime (start, files, sockets, TLS, workers, WebAssembly,
 * SQLite, timers, children) and is an allow-list: what is not named here is refused with EPERM.
 * Landlock decides about files and TCP ports; this decides about everything that Landlock does not
 * see: modes, owners, kinds of sockets, signals, limits, namespaces, tracing.
 *
 * Numbers are those of the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl,
 * include/uapi/asm-generic/unistd.h).
 */

import type { SystemCall } from "./syscall_numbers.ts";

/** Calls that are always allowed, by what the runtime needs them for. */
export const RUNTIME: Readonly<Record<string, readonly SystemCall[]>> = {
  memory: [
    ...["brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "mincore", "msync"] as const,
    ...["pkey_alloc", "pkey_free", "pkey_mprotect", "membarrier"] as const,
  ],
  threads: [
    ...["exit", "exit_group", "futex", "set_robust_list"] as const,
    ...["set_tid_address", "rseq", "gettid", "sched_yield", "sched_getaffinity"] as const,
    ...["sched_getparam", "sched_getscheduler", "getcpu", "arch_prctl"] as const,
  ],
  signals: [
    ...["rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend"] as const,
    ...["rt_sigtimedwait", "rt_sigpending", "sigaltstack", "restart_syscall"] as const,
  ],
  time: [
    ...["clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday"] as const,
    ...["time", "times", "timerfd_create", "timerfd_settime", "timerfd_gettime"] as const,
  ],
  "facts about the process": [
    ...["getpid", "getppid", "getpgid", "getpgrp", "getsid", "getuid", "geteuid"] as const,
    ...["getgid", "getegid", "getresuid", "getresgid", "getgroups", "uname", "sysinfo"] as const,
    ...["getrusage", "getrlimit", "capget", "getcwd", "getrandom"] as const,
  ],
  // Landlock decides which files open; nothing here changes a name, a mode or an owner
  files: [
    ...["read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev"] as const,
    ...["preadv2", "pwritev2", "lseek", "close", "close_range", "dup", "dup2", "dup3"] as const,
    ...["stat", "fstat", "lstat", "newfstatat", "statx", "access", "faccessat"] as const,
    ...["faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "chdir"] as const,
    ...["fchdir", "flock", "fsync", "fdatasync", "sync_file_range", "statfs", "fstatfs"] as const,
    ...["fadvise64", "readahead", "copy_file_range", "sendfile"] as const,
  ],
  waiting: [
    ...["epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait"] as const,
    ...["epoll_pwait2", "poll", "ppoll", "select", "pselect6", "eventfd", "eventfd2"] as const,
    ...["pipe", "pipe2"] as const,
  ],
  // on what is connected already: the channel to the daemon, and the runtime's own pairs
  "connected sockets": [
    ...["shutdown", "getsockopt", "getsockname", "getpeername", "recvfrom", "recvmsg"] as const,
  ],
};

/** Beside those: calls that change names and sizes, where `write` was granted. */
export const WRITING: readonly SystemCall[] = [
  ...["mkdir", "mkdirat", "rename", "renameat", "renameat2", "rmdir", "unlink"] as const,
  ...["unlinkat", "link", "linkat", "truncate", "ftruncate", "fallocate"] as const,
];

/** Calls on sockets of its own, where `net` or `unix` was granted. */
export const NETWORKING: readonly SystemCall[] = [
  ...["connect", "bind", "recvmmsg"] as const,
];

/**
 * Beside those where `net` names this machine. listen(2) on a socket without a port takes any that
 * is free, and Landlock is not asked.
 */
export const LISTENING: readonly SystemCall[] = ["listen", "accept", "accept4"];

/**
 * Calls for programs that a handler may run, which stay inside of the box. None leaves the process
 * group, by which a run is ended: setsid(2) and setpgid(2) are not here. Nor is
 * pidfd_send_signal(2), since a folder of /proc names even a thread of the daemon to it.
 */
export const PROGRAMS: readonly SystemCall[] = [
  ...["execve", "fork", "vfork", "wait4", "waitid", "getpriority"] as const,
  ...["alarm", "setitimer", "getitimer"] as const,
  ...["timer_create", "timer_settime", "timer_gettime", "timer_getoverrun"] as const,
  ...["timer_delete", "splice", "tee", "sync", "syncfs", "setrlimit"] as const,
];

/**
 * Answered with ENOSYS: C libraries and runtimes then take the older call, which the filter can
 * look into.
 */
export const UNKNOWN_HERE: readonly SystemCall[] = ["clone3", "openat2", "io_uring_setup"];

/**
 * Answered with ENOTSUP, as on a file system without extended attributes: ACLs are modes by another
 * name.
 */
export const UNSUPPORTED_HERE: readonly SystemCall[] = [
  ...["getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr"] as const,
];
