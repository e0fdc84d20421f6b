/**
 * Takes the runtime's internals out of reach before a handler is imported: its operations, and what
 * loads native code or tells of files without asking for a permission. A second wall only: workers
 * of a handler's own have them again, and the kernel's box holds whatever they open.
 */

/** To be called once, before any code that is not ours runs. */
export function removeInternals(): void {
  const internal: unknown = Reflect.get(Deno, "internal");
  if (typeof internal === "symbol") Reflect.deleteProperty(Deno, internal);
  Reflect.deleteProperty(Deno, "internal");
  // its drivers are native code of the host, and write caches
  Reflect.deleteProperty(Navigator.prototype, "gpu");
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (name.startsWith("GPU")) Reflect.deleteProperty(globalThis, name);
  }
}
