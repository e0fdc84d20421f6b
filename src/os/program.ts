/**
 * Where the parts of the running program are.
 *
 * In a checkout they are source files and the locked packages' files. In the packaged program (the single file, unpacked)
 * they are bundles that lie beside each other, and this module is inside one of them.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import metadata from "../../package.json" with { type: "json" };

/** Absolute paths. */
export interface Program {
  /** The executable that runs Deno programs: spawn this with Deno's arguments. */
  readonly runtime: string;
  /** Entry of the command line and of the daemon. */
  readonly main: string;
  /** Entry of an executor process. */
  readonly executor: string;
  /** The harness an executor starts in each worker. */
  readonly worker: string;
  /** What a handler may import besides `node:` built-ins: specifier to the file of a self-contained module. */
  readonly handlerModules: ReadonlyMap<string, string>;
  /** lmdb's native addon. */
  readonly addon: string;
  /** The C library that the runtime uses; null: the system's. */
  readonly libc: string | null;
  /** The folder that holds every file above. */
  readonly root: string;
  readonly version: string;
  readonly packaged: boolean;
}

export const program: Program = locate(import.meta.filename ?? "");

/** `file` is the file this code runs from: this source file, or a bundle that contains it. */
function locate(file: string): Program {
  const suffix = "/src/os/program.ts";
  return file.endsWith(suffix) ? checkout(file.slice(0, -suffix.length)) : packaged(join(file, ".."));
}

/** Packages are resolved rather than joined, because npm may have hoisted them out of this folder. */
function checkout(root: string): Program {
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  return {
    runtime: Deno.execPath(),
    main: join(root, "src/main.ts"),
    executor: join(root, "src/executor/child/main.ts"),
    worker: join(root, "src/executor/child/worker.ts"),
    handlerModules: new Map([
      ["openexec", join(root, "src/actions/define.ts")],
      ["valibot", fileURLToPath(import.meta.resolve("valibot"))],
    ]),
    addon: fileURLToPath(
      import.meta.resolve(`@lmdb/lmdb-linux-${architecture}/node.napi.glibc.node`),
    ),
    libc: null,
    root,
    version: metadata.version,
    packaged: false,
  };
}

/** scripts/build.ts lays these files out. */
function packaged(root: string): Program {
  return {
    runtime: join(root, "runtime"),
    main: join(root, "main.js"),
    executor: join(root, "executor.js"),
    worker: join(root, "worker.js"),
    handlerModules: new Map([
      ["openexec", join(root, "openexec.js")],
      ["valibot", join(root, "valibot.js")],
    ]),
    addon: join(root, "lmdb.node"),
    libc: join(root, "libc.so.6"),
    root,
    version: metadata.version,
    packaged: true,
  };
}
