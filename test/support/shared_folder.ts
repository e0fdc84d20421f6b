/** Makes a folder for what the files of one run make once for all of them, and removes it. */

import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { OTHERS_CACHES } from "./runtime_cache.ts";

declare module "vitest" {
  export interface ProvidedContext {
    readonly sharedFolder: string;
  }
}

export default function setup({ provide }: TestProject): () => void {
  const folder = Deno.makeTempDirSync({ prefix: "openexec-shared-" });
  // users that a test makes up run what lies in it
  Deno.chmodSync(folder, 0o755);
  provide("sharedFolder", folder);
  const caches = join(folder, "caches");
  Deno.mkdirSync(caches);
  Deno.chmodSync(caches, 0o1777);
  Deno.env.set(OTHERS_CACHES, caches);
  return () => Deno.removeSync(folder, { recursive: true });
}
