/**
 * The runtime's own cryptography (`node:crypto`) where there is one: Deno and Node have it, a browser does not.
 *
 * Looked up at run time because an `import` of it would keep this folder from loading in a browser, and when it is first
 * needed because it is slow to load. Nothing may depend on it being there: every caller has a portable library to fall back
 * on.
 */

type NativeCrypto = typeof import("node:crypto");

let found: NativeCrypto | null | undefined;

/** null where there is none. */
export function nativeCrypto(): NativeCrypto | null {
  return found === undefined
    ? found = globalThis.process?.getBuiltinModule?.("node:crypto") ?? null
    : found;
}
