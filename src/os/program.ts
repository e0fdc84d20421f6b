/**
 * Where the parts of the running program are.
 *
 * In a checkout they are source files and the locked packages' files. In the packaged program (the single file, unpacked)
 * they are bundles that lie beside each other, and this module is inside one of them.
 */

import { basename, dirname, join } from "node:path";
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
  /** Turns valibot schemas into JSON Schema, in the worker that reads a handler's metadata; imports `valibot`. */
  readonly schemaConverter: string;
  /** The handlers that come with the program: name to file. */
  readonly builtins: ReadonlyMap<string, string>;
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

function checkout(root: string): Program {
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  // npm puts a package's dependencies inside it in a checkout, and beside it where it is itself a dependency.
  const packages = basename(dirname(root)) === "node_modules" ? dirname(root) : join(root, "node_modules");
  return {
    runtime: Deno.execPath(),
    main: join(root, "src/main.ts"),
    executor: join(root, "src/executor/child/main.ts"),
    worker: join(root, "src/executor/child/worker.ts"),
    handlerModules: new Map([
      ["openexec", join(root, "src/actions/define.ts")],
      // every new worker parses it again, which takes a third of the time for the minified one
      ["valibot", join(packages, "valibot/dist/index.min.mjs")],
    ]),
    schemaConverter: join(packages, "@valibot/to-json-schema/dist/index.min.mjs"),
    builtins: new Map([
      ["echo", join(root, "src/actions/builtin/echo.ts")],
      ["add", join(root, "src/actions/builtin/add.ts")],
    ]),
    addon: join(packages, `@lmdb/lmdb-linux-${architecture}/node.napi.glibc.node`),
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
    schemaConverter: join(root, "schema_converter.js"),
    builtins: new Map([
      ["echo", join(root, "builtin_echo.js")],
      ["add", join(root, "builtin_add.js")],
    ]),
    addon: join(root, "lmdb.node"),
    libc: join(root, "libc.so.6"),
    root,
    version: metadata.version,
    packaged: true,
  };
}
