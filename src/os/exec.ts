/**
 * execve(2): this process becomes another program and keeps its pid, so that no wrapper stays between the daemon and whoever
 * started it.
 */

import { cString, errno, errorText, processCalls } from "./libc.ts";

/**
 * Never returns: on success there is nothing left to return to. Descriptors without close-on-exec stay open.
 * Throws when the program cannot be started; the process is then as it was.
 */
export function replaceProcess(
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): never {
  const argv = [path, ...args].map(cString);
  const envp = Object.entries(environment).map(([name, value]) => cString(`${name}=${value}`));
  processCalls().execve(cString(path), pointers(argv), pointers(envp));
  throw new Error(`${path} cannot be started: ${errorText(errno())}`);
}

/** Strings whose addresses C holds: kept here, because the garbage collector does not see those addresses. */
const handedOver: Uint8Array[] = [];

/** A C array of pointers, ended by NULL. */
function pointers(strings: readonly Uint8Array<ArrayBuffer>[]): BigUint64Array<ArrayBuffer> {
  handedOver.push(...strings);
  const addresses = strings.map((bytes) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
  return new BigUint64Array([...addresses, 0n]);
}
