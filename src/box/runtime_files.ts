/**
 * The files that the runtime, or a program that a handler may run, needs beside what an action was
 * permitted.
 */

import { dirname, join } from "node:path";
import { fileStatus, realPath } from "../os/files.ts";
import { FILE_RIGHTS, type PathRule } from "../os/landlock.ts";
import { loadedLibraries } from "../os/process.ts";
import { program } from "../os/program.ts";

const { execute, readFile, readDir, writeFile } = FILE_RIGHTS;
export const READ = readFile | readDir;
const EXECUTE = readFile | execute;

/**
 * Files that the runtime opens while it starts and runs. None holds a secret. /proc/self is not
 * one: the thread that makes the rules would open the daemon's, and net/ in it lists the host's
 * sockets.
 */
const SYSTEM: readonly PathRule[] = [
  ...["/etc/ld.so.cache", "/etc/localtime", "/proc/meminfo"].map(readable),
  ...["/dev/urandom", "/dev/random", "/dev/zero"].map(readable),
  { path: "/dev/null", rights: readFile | writeFile },
];

/** How names of hosts are looked up: getaddrinfo(3), nsswitch.conf(5). */
const LOOKUP = [
  ...["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf"],
  ...["/etc/gai.conf", "/etc/services", "/etc/protocols"],
];
const LOOKUP_LIBRARIES = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];

/** Libraries and their data for programs of the system, and the loaders that start them. */
const PROGRAM_FOLDERS = [
  ...["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/local/lib"],
  ...["/usr/share", "/etc/alternatives"],
];
const LOADERS = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];

/** `ours`: paths of the program that executors run, and of what handlers import. */
export function runtimeFiles(ours: readonly string[]): PathRule[] {
  return [
    ...SYSTEM,
    ...[program.runtime, ...loadedLibraries()].map(executable),
    ...ours.map(readable),
  ];
}

/** Tells which files these are now: resolvers replace them while a daemon runs. */
export function lookupIdentity(): string {
  return LOOKUP.map((path) => fileStatus(realPath(path) ?? path)?.identity ?? "").join();
}

export function lookupFiles(): PathRule[] {
  const folders = new Set(loadedLibraries().map((library) => dirname(library)));
  const libraries = [...folders].flatMap((folder) =>
    LOOKUP_LIBRARIES.map((library) => join(folder, library))
  );
  return [...LOOKUP, ...libraries].map(readable);
}

/** For programs at these paths, the interpreters of scripts included. */
export function programFiles(paths: readonly string[]): PathRule[] {
  return [
    ...PROGRAM_FOLDERS.map(readable),
    ...LOADERS.map(executable),
    ...paths.flatMap((path) => [path, ...interpreterOf(path)]).map(executable),
  ];
}

const LINE_BYTES_MAX = 256;

/** Finds the interpreter of a script (execve(2)), and for env(1) the program behind it. */
function interpreterOf(path: string): string[] {
  const [, interpreter, argument] = /^#! *(\S+)(?: +(\S+))?/.exec(firstBytesOf(path)) ?? [];
  if (interpreter === undefined) return [];
  const found = argument !== undefined && realPath(interpreter) === realPath("/usr/bin/env")
    ? ["/usr/local/bin", "/usr/bin", "/bin"].map((folder) => join(folder, argument))
    : [];
  return [interpreter, ...found];
}

function firstBytesOf(path: string): string {
  try {
    using file = Deno.openSync(path);
    const buffer = new Uint8Array(LINE_BYTES_MAX);
    const length = file.readSync(buffer) ?? 0;
    return new TextDecoder("latin1").decode(buffer.subarray(0, length));
  } catch {
    return ""; // a program that cannot be read needs no interpreter that we could name
  }
}

function readable(path: string): PathRule {
  return { path, rights: READ };
}

function executable(path: string): PathRule {
  return { path, rights: EXECUTE };
}
