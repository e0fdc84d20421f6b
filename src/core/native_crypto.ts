/**
 * The runtime's own cryptography (`node:crypto`) where there is one: Deno and Node have it, a browser does not.
 *
 * Looked up at run time because an `import` of it would keep this folder from loading in a browser. Nothing may depend on
 * it being there: every caller has a portable library to fall back on.
 */

export const nativeCrypto: typeof import("node:crypto") | undefined = globalThis.process
  ?.getBuiltinModule?.("node:crypto");
