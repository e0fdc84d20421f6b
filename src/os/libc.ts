/**
 * The C library by FFI: the system calls that the runtime has no name for. The only `Deno.dlopen`
 * of the program.
 *
 * Invariants: every buffer that C reads as text ends in NUL. No pointer into our memory outlives
 * the call it was made for. Constants are those of the generic Linux ABI, which x86-64 and arm64
 * share.
 */

import { utf8Encode } from "../core/bytes.ts";
import { StartupError } from "../core/startup_error.ts";
/** Where glibc is, by distribution. */
const SYSTEM_PATHS: readonly string[] = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6",
  "/usr/lib64/libc.so.6",
  "/lib/libc.so.6",
  "/usr/lib/libc.so.6",
];

/**
 * The packaged program brings its own glibc, beside its code, and must not load a second one. Not
 * taken from program.ts, which loads node:path: that would cost each executor 70 ms of processor.
 */
const OWN_PATH = `${import.meta.dirname ?? ""}/libc.so.6`;

/** Where glibc may be loaded from, first come first. */
const LIBC_PATHS: readonly string[] = [OWN_PATH, ...SYSTEM_PATHS];

/** The functions that we call. To use another one, add its row. */
const SYMBOLS = {
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
  access: { parameters: ["buffer", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  chmod: { parameters: ["buffer", "u32"], result: "i32" },
  chown: { parameters: ["buffer", "u32", "u32"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  closedir: { parameters: ["pointer"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  // variadic in C, which makes no difference on these machines
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  getegid: { parameters: [], result: "u32" },
  geteuid: { parameters: [], result: "u32" },
  getgrnam: { parameters: ["buffer"], result: "pointer" },
  getpgid: { parameters: ["i32"], result: "i32" },
  getppid: { parameters: [], result: "i32" },
  // glibc has no names for the calls of Landlock and seccomp
  landlock_add_rule: {
    name: "syscall",
    parameters: ["i64", "i32", "u32", "buffer", "u32"],
    result: "i64",
  },
  landlock_create_ruleset: {
    name: "syscall",
    parameters: ["i64", "buffer", "usize", "u32"],
    result: "i64",
  },
  landlock_restrict_self: { name: "syscall", parameters: ["i64", "i32", "u32"], result: "i64" },
  read_later: {
    name: "read",
    parameters: ["i32", "buffer", "usize"],
    result: "isize",
    nonblocking: true,
  },
  seccomp: { name: "syscall", parameters: ["i64", "u32", "u32", "buffer"], result: "i64" },
  gettid: { parameters: [], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  lgetxattr: { parameters: ["buffer", "buffer", "buffer", "usize"], result: "isize" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  open_new: { name: "open", parameters: ["buffer", "i32", "u32"], result: "i32" },
  opendir: { parameters: ["buffer"], result: "pointer" },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  poll_later: {
    name: "poll",
    parameters: ["buffer", "usize", "i32"],
    result: "i32",
    nonblocking: true,
  },
  posix_spawn: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  posix_spawn_file_actions_addchdir_np: { parameters: ["buffer", "buffer"], result: "i32" },
  // glibc 2.34, which lmdb's addon needs as well
  posix_spawn_file_actions_addclosefrom_np: { parameters: ["buffer", "i32"], result: "i32" },
  posix_spawn_file_actions_adddup2: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  posix_spawn_file_actions_addopen: {
    parameters: ["buffer", "i32", "buffer", "i32", "u32"],
    result: "i32",
  },
  posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
  capget: { parameters: ["buffer", "buffer"], result: "i32" },
  capset: { parameters: ["buffer", "buffer"], result: "i32" },
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" },
  prlimit: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  readdir: { parameters: ["pointer"], result: "pointer" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  realpath: { parameters: ["buffer", "buffer"], result: "pointer" },
  rename: { parameters: ["buffer", "buffer"], result: "i32" },
  rmdir: { parameters: ["buffer"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  // for calls that the oldest glibc we run on has no name for
  syscall: { parameters: ["i64", "u64", "u64", "u64"], result: "i64" },
  tcflush: { parameters: ["i32", "i32"], result: "i32" },
  umask: { parameters: ["u32"], result: "u32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  waitid: { parameters: ["i32", "u32", "buffer", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
} as const satisfies Deno.ForeignLibraryInterface;

type LibC = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

const ERRNO = { __errno_location: { parameters: [], result: "pointer" } } as const;

/** The memory in which errno(3) of this thread lies. */
let errorCode: Int32Array | undefined;

/**
 * The C library. A function is looked up when it is first named, which throws a StartupError when
 * there is no glibc at LIBC_PATHS, or none that this process may load.
 */
export const libc = lazyCalls();

function lazyCalls(): LibC {
  const calls: LibC = Object.create(null);
  for (const [name, symbol] of Object.entries(SYMBOLS)) {
    const get = () => {
      if (errorCode === undefined) findErrno();
      const value: unknown = Reflect.get(load({ [name]: symbol }), name);
      Object.defineProperty(calls, name, { value });
      return value;
    };
    Object.defineProperty(calls, name, { get, configurable: true });
  }
  return calls;
}

/**
 * Called before any function that may fail is: from then on errno() reads memory, and is compiled.
 * While the runtime looks something up, compiles or collects, calls of its own may fail, and errno
 * is what they left: a file that is not there was "temporarily unavailable" once in a while.
 */
function findErrno(): void {
  const location = load(ERRNO).__errno_location();
  if (location === null) throw new TypeError("errno has no place");
  errorCode = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));
  errno();
}

/** Where the first function was found. */
let found: string | undefined;

function load<Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols>["symbols"] {
  for (const path of found === undefined ? LIBC_PATHS : [found]) {
    try {
      const library = Deno.dlopen(path, symbols);
      found = path;
      return library.symbols;
    } catch {
      continue; // not of this distribution, or not granted; the next one may be
    }
  }
  throw new StartupError(
    "The C library cannot be loaded",
    `Allow FFI for one of ${LIBC_PATHS.join(", ")}`,
  );
}

/** errno(3) values that are told apart. */
export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EAGAIN = 11;
export const EACCES = 13;
export const EEXIST = 17;
export const ENOTDIR = 20;
export const EINVAL = 22;
export const ENAMETOOLONG = 36;
export const ENOSYS = 38;
export const ELOOP = 40;
export const ENODATA = 61;
export const ENOTSUP = 95;
export const ECONNREFUSED = 111;

/** open(2) flags. */
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_CLOEXEC = 0o2000000;

/** socket(2) domain, types and flags, and the level of getsockopt(2). */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;

/** Returns errno of the last failed call. Nothing may come between the two. */
export function errno(): number {
  return errorCode?.[0] ?? 0;
}

/** Says what an errno means, such as "Permission denied". */
export function errorText(code: number): string {
  const text = libc.strerror(code);
  return text === null ? `error ${code}` : new Deno.UnsafePointerView(text).getCString();
}

/** Throws a TypeError for text with a NUL in it, which C would cut short there. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError("text for a system call must not hold NUL");
  const bytes = utf8Encode(text);
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

/** A list of texts as C takes it. */
export interface Pointers {
  /** One for each text, then NULL. */
  readonly addresses: BigUint64Array<ArrayBuffer>;
  /** Call it when C has read the texts. Until then the collector must not move or free them. */
  release(): void;
}

const handedOver = new Set<readonly Uint8Array[]>();

export function pointersTo(texts: readonly string[]): Pointers {
  const strings = texts.map(cString);
  handedOver.add(strings);
  const addresses = strings.map((bytes) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
  return {
    addresses: new BigUint64Array([...addresses, 0n]),
    release: () => void handedOver.delete(strings),
  };
}

/** Returns an environment as C has it: `NAME=value`. */
export function variableTexts(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}
