/**
 * openexec where every user can read it: a checkout may lie in a folder that is closed to others,
 * such as root's home.
 */

import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";

const ROOT = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");
const PARTS = ["bin", "src", "node_modules", "package.json"];

export interface PublicCheckout {
  /** Path of bin/openexec. */
  readonly openexec: string;
  remove(): void;
}

/** This checkout where others can read it, else a copy. */
export function publicCheckout(): PublicCheckout {
  if (isOpen(ROOT)) return { openexec: join(ROOT, "bin/openexec"), remove: () => {} };
  const copy = Deno.makeTempDirSync({ prefix: "openexec-checkout-" });
  Deno.chmodSync(copy, 0o755);
  execFileSync("cp", ["-a", ...PARTS.map((part) => join(ROOT, part)), copy]);
  return {
    openexec: join(copy, "bin/openexec"),
    remove: () => Deno.removeSync(copy, { recursive: true }),
  };
}

/** Whether any user may go through all the folders above it. */
function isOpen(path: string): boolean {
  if (((Deno.statSync(path).mode ?? 0) & 0o001) === 0) return false;
  return path === "/" || isOpen(dirname(path));
}
