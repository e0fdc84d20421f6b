/**
 * The C library by FFI: the system calls that the runtime has no name for. The only `Deno.dlopen` of the program.
 *
 * Invariants: every buffer that C reads as text ends in NUL; no pointer into our memory outlives the call it was made for.
 * Constants are those of the generic Linux ABI, which x86-64 and arm64 share.
 */

import { utf8Encode } from "../core/bytes.ts";
import { StartupError } from "../core/startup_error.ts";
import { program } from "./program.ts";

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
 * Where glibc is. `--allow-ffi` has to name these, letter for letter. The packaged program brings its own, and must not load
 * a second one beside it.
 */
export const LIBC_PATHS: readonly string[] = program.libc === null ? SYSTEM_PATHS : [program.libc];

/** errno(3) values that are told apart. */
export const ENOENT = 2;
export const EEXIST = 17;
export const ECONNREFUSED = 111;

const ERROR_SYMBOLS = {
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** There before anything else is called: to look them up afterwards could change errno. */
let errorCalls: Deno.DynamicLibrary<typeof ERROR_SYMBOLS>["symbols"] | undefined;

/**
 * Looks these up when the first of them is called: to make one callable takes the runtime 0.2 ms, and no process needs all.
 * That call throws a StartupError when there is no glibc at LIBC_PATHS, or none that the process may open.
 */
function lazily<Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
): () => Deno.DynamicLibrary<Symbols>["symbols"] {
  let calls: Deno.DynamicLibrary<Symbols>["symbols"] | undefined;
  return () => {
    errorCalls ??= find(ERROR_SYMBOLS);
    return calls ??= find(symbols);
  };
}

function find<Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols>["symbols"] {
  for (const path of LIBC_PATHS) {
    try {
      return Deno.dlopen(path, symbols).symbols;
    } catch {
      continue; // not of this distribution, or not granted; the next one may be
    }
  }
  throw new StartupError(
    "The C library cannot be loaded",
    `Allow FFI for one of ${LIBC_PATHS.join(", ")}`,
  );
}

/** What a path leads to. */
export const pathCalls = lazily({
  access: { parameters: ["buffer", "i32"], result: "i32" },
  realpath: { parameters: ["buffer", "buffer"], result: "pointer" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
});

/** What files hold. */
export const fileCalls = lazily({
  close: { parameters: ["i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
});

/** Names in directories, and whose they are. */
export const folderCalls = lazily({
  chown: { parameters: ["buffer", "u32", "u32"], result: "i32" },
  closedir: { parameters: ["pointer"], result: "i32" },
  getgrnam: { parameters: ["buffer"], result: "pointer" },
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  opendir: { parameters: ["buffer"], result: "pointer" },
  readdir: { parameters: ["pointer"], result: "pointer" },
  rename: { parameters: ["buffer", "buffer"], result: "i32" },
  rmdir: { parameters: ["buffer"], result: "i32" },
  umask: { parameters: ["u32"], result: "u32" },
  unlink: { parameters: ["buffer"], result: "i32" },
});

/** Sockets. */
export const socketCalls = lazily({
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
});

/** Processes: this one and others. */
export const processCalls = lazily({
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  getegid: { parameters: [], result: "u32" },
  geteuid: { parameters: [], result: "u32" },
  getpgid: { parameters: ["i32"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" },
  prlimit: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
});

/** What it takes to start a child. */
export const childCalls = lazily({
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
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
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
});

/** How a child ended. */
export const waitCalls = lazily({
  waitid: { parameters: ["i32", "u32", "buffer", "i32"], result: "i32" },
});

/** Memory, time, and what glibc has no name for. */
export const kernelCalls = lazily({
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },
  // close_range(2) is younger than the oldest glibc we run on
  syscall: { parameters: ["i64", "u64", "u64", "u64"], result: "i64" },
});

/** Throws a TypeError for text with a NUL in it, which C would cut short there. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError("text for a system call must not hold NUL");
  const bytes = utf8Encode(text);
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

/** Texts as C takes a list of them. */
export interface Pointers {
  /** Of the texts, ended by NULL. */
  readonly addresses: BigUint64Array<ArrayBuffer>;
  /** To be called when C has read them: until then they stay where they are, which the collector would not know of. */
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

/** An environment as C has it: `NAME=value`. */
export function variableTexts(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

/** Of the last call that failed; to be asked at once, before anything else calls into C. */
export function errno(): number {
  const location = errorCalls?.__errno_location() ?? null;
  return location === null ? 0 : new Deno.UnsafePointerView(location).getInt32();
}

/** What errno says in words, such as "Permission denied". */
export function errorText(code: number): string {
  const text = errorCalls?.strerror(code) ?? null;
  return text === null ? `error ${code}` : new Deno.UnsafePointerView(text).getCString();
}
