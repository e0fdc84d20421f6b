/**
 * Where the parts of the running program are.
 *
 * In a checkout they are source files and the locked packages' files. In a package that npm installed they are bundles in
 * dist/program, because no runtime takes TypeScript from node_modules. In the packaged program (the single file, unpacked)
 * everything lies in one folder. This module is itself part of one of these.
 */

import metadata from "../../package.json" with { type: "json" };
import { folderOf, joinPath, nameOf } from "../core/path.ts";

/** Absolute paths. */
export interface Program {
  /** The executable that runs Deno programs: spawn this with Deno's arguments. */
  readonly runtime: string;
  /** Entry of the command line and of the daemon. */
  readonly main: string;
  /** Entry of an executor process. */
  readonly executor: string;
  /** The thread that starts executors inside of a box. */
  readonly spawner: string;
  /** What a handler may import besides `node:` built-ins: specifier to the file of a self-contained module. */
  readonly handlerModules: ReadonlyMap<string, string>;
  /** Turns valibot schemas into JSON Schema, in the worker that reads a handler's metadata; imports `valibot`. */
  readonly schemaConverter: string;
  /** The handlers that come with the program: name to file. */
  readonly builtins: ReadonlyMap<string, string>;
  /** The handler that tries whether the box is shut. */
  readonly probe: string;
  /** lmdb's native addon. */
  readonly addon: string;
  /** The C library that the runtime uses; null: the system's. */
  readonly libc: string | null;
  /** The folder of our own files, and the folder of the packages, which need not be inside it. */
  readonly root: string;
  readonly packages: string;
  readonly version: string;
  readonly packaged: boolean;
}

export const program: Program = locate(import.meta.filename ?? "");

/** Our own code, as it lies in one of the layouts. */
type OwnParts =
  & Pick<Program, "main" | "executor" | "spawner" | "builtins" | "probe">
  & {
    readonly openexec: string;
  };

/** What came from elsewhere. */
type ForeignParts =
  & Pick<Program, "runtime" | "schemaConverter" | "addon" | "packages" | "libc" | "packaged">
  & { readonly valibot: string };

/** `file` is the file this code runs from: this source file, or a bundle that contains it. */
function locate(file: string): Program {
  const source = /\/src\/os\/program\.[tj]s$/; // executors of a checkout run it without its types
  if (source.test(file)) {
    const root = file.replace(source, "");
    return assemble(root, sources(root), installed(root));
  }
  const folder = folderOf(file);
  const bundled = "/dist/program";
  if (!folder.endsWith(bundled)) return assemble(folder, bundles(folder), unpacked(folder));
  const root = folder.slice(0, -bundled.length);
  return assemble(root, bundles(folder), installed(root));
}

function assemble(root: string, own: OwnParts, { valibot, ...foreign }: ForeignParts): Program {
  const { openexec, ...parts } = own;
  const handlerModules = new Map([["openexec", openexec], ["valibot", valibot]]);
  return { ...parts, ...foreign, handlerModules, root, version: metadata.version };
}

function sources(root: string): OwnParts {
  return {
    main: joinPath(root, "src/main.ts"),
    executor: joinPath(root, "src/executor/child/main.ts"),
    spawner: joinPath(root, "src/box/spawner_thread.ts"),
    probe: joinPath(root, "src/executor/child/probe.ts"),
    openexec: joinPath(root, "src/actions/define.ts"),
    builtins: new Map([
      ["echo", joinPath(root, "src/actions/builtin/echo.ts")],
      ["add", joinPath(root, "src/actions/builtin/add.ts")],
    ]),
  };
}

/** scripts/build/bundle.ts gives these names. */
function bundles(folder: string): OwnParts {
  return {
    main: joinPath(folder, "main.js"),
    executor: joinPath(folder, "executor.js"),
    spawner: joinPath(folder, "spawner.js"),
    probe: joinPath(folder, "probe.js"),
    openexec: joinPath(folder, "openexec.js"),
    builtins: new Map([
      ["echo", joinPath(folder, "builtin_echo.js")],
      ["add", joinPath(folder, "builtin_add.js")],
    ]),
  };
}

/** npm puts packages inside ours in a checkout, and when it is installed by itself, and else beside it. */
function installed(root: string): ForeignParts {
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const inside = joinPath(root, "node_modules");
  const isHoisted = nameOf(folderOf(root)) === "node_modules" &&
    !exists(joinPath(inside, "valibot"));
  const packages = isHoisted ? folderOf(root) : inside;
  return {
    runtime: Deno.execPath(),
    // every new worker parses it again, which takes a third of the time for the minified one
    valibot: joinPath(packages, "valibot/dist/index.min.mjs"),
    schemaConverter: joinPath(packages, "@valibot/to-json-schema/dist/index.min.mjs"),
    addon: joinPath(packages, `@lmdb/lmdb-linux-${architecture}/node.napi.glibc.node`),
    packages,
    libc: null,
    packaged: false,
  };
}

/** The single file's program folder: scripts/build.ts lays it out. */
function unpacked(folder: string): ForeignParts {
  return {
    runtime: joinPath(folder, "runtime"),
    valibot: joinPath(folder, "valibot.js"),
    schemaConverter: joinPath(folder, "schema_converter.js"),
    addon: joinPath(folder, "lmdb.node"),
    packages: folder,
    libc: joinPath(folder, "libc.so.6"),
    packaged: true,
  };
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
